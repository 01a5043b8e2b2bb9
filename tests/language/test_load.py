"""A checklist's folder becomes plain data: templates evaluated, what is known later kept as objects."""

from __future__ import annotations

from collections.abc import Callable

from iris_migrate.language.checklist import Checklist, HostSpec
from iris_migrate.values import Secret, Text, Unresolved

Small = Callable[..., Checklist]
ADDRESS = Unresolved("elastic-ip", "public_ip")


def test_an_output_of_another_step_stays_an_object(small: Small) -> None:
    site = small().step("site")
    assert small().step("elastic-ip").with_ == {"name": "iris", "other": Unresolved("instance", "id")}
    assert site.with_["url"] == Text(("http://", ADDRESS, ":80/"))
    assert site.waits_for == ("elastic-ip", "instance")


def test_a_profile_evaluated_in_the_middle_of_a_text_leaves_its_outputs_alone(small: Small) -> None:
    assert small().step("site").with_["other"] == Text((ADDRESS, " in /etc/iris of ", Unresolved("instance", "id")))


def test_a_secret_is_named_and_never_text(small: Small) -> None:
    checklist = small()
    assert checklist.step("site").with_["header"] == {"Authorization": Text(("Bearer ", Secret("api_key")))}
    assert checklist.secrets["api_key"].how == "prompt"
    assert "api_key" not in checklist.settings


def test_a_file_is_rendered_unless_it_is_raw(small: Small) -> None:
    site = small().step("site")
    before = "server {\n    listen 80;\n    server_name a.example.com;\n    server_name b.example.com;\n    allow "
    assert site.with_["content"] == Text((before, ADDRESS, ";\n    proxy_set_header Host $host;\n}\n"))
    assert site.with_["script"] == 'echo "{{ not a template }} ${#PATH}"\n'


def test_a_whole_template_keeps_its_type_and_lists_become_tuples(small: Small) -> None:
    checklist = small()
    assert checklist.step("site").with_["packages"] == ("git", "nginx")
    assert checklist.step("site").with_["mode"] == "0644"
    assert checklist.host == HostSpec(address=ADDRESS, user="ubuntu", port=80)


def test_steps_carry_their_times_lines_and_texts(small: Small) -> None:
    checklist = small()
    instance = checklist.step("instance")
    assert (instance.timeout, instance.retry_every, instance.risk) == (300.0, 2.0, "costs")
    assert instance.covers == (24, 25, 26, 28)
    assert instance.title == "An instance of iris"
    assert instance.file.endswith("small/1-only.yaml")
    assert instance.line == 4
    assert checklist.step("elastic-ip").why == "It survives a stop of iris."
    assert checklist.step("site").journal == ("iris-backend",)
    assert not checklist.step("certificate").critical


def test_a_step_is_left_out_by_its_stated_rule(small: Small) -> None:
    assert small().step("certificate").left_out == "no domain is set"
    assert small(flags={"domain": "api.example.com"}).step("certificate").left_out == ""


def test_the_profile_follows_the_setting(small: Small) -> None:
    checklist = small(flags={"os": "other"})
    assert checklist.host is not None
    assert checklist.host.user == "ec2-user"
