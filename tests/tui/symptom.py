"""What is known about the service that does not answer, for sittings in which a step fails."""

from __future__ import annotations

from iris_migrate.language.troubleshooting import Book, Cause, Look, Symptom

SYMPTOM = Symptom(
    "no-answer", "The service does not answer.",
    (Look("its last lines", "journalctl -u service -n 50"),),
    (
        Cause("Another process has the port.", "Address already in use", "The note says which one. Run the step note.",
              id="port-taken", steps=("note",)),
    ),
)  # fmt: skip
BOOK = Book({}, {"no-answer": SYMPTOM})
