"""The renderer never crashes, never computes with what is not known, and never lets a template out of its sandbox."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_migrate.language.render import Group, Marker, Renderer, TemplateProblem
from iris_migrate.values import Secret, Text, Unresolved, specials

SETTINGS = {"app": "iris", "port": 80, "on": True, "hosts": ("a", "b"), "empty": "", "map": {"items": 1, "x": "y"}}


def names(key: str) -> object:
    if key == "steps":
        return Group("steps", lambda step: Group(step, lambda name: output(step, name)))
    if key == "key":
        return Marker(Secret("key"))
    if key in SETTINGS:
        return SETTINGS[key]
    raise TemplateProblem(f"names nothing: {key}")


def output(step: str, name: str) -> Marker:
    if (step, name) not in (("a", "id"), ("x", "id")):
        raise TemplateProblem(f"names nothing: {step}.{name}")
    return Marker(Unresolved(step, name))


def render(source: str) -> object:
    return Renderer(names).value(source)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("plain", "plain"),
        ("{{ port }}", 80),
        ("{{ on }}", True),
        ("{{ hosts }}", ("a", "b")),
        ("{{- port -}}", 80),
        (" {{ port }} ", 80),
        ("{{ port }}{{ port }}", "8080"),
        ("{{ port + 1 }}", 81),
        ("{{ map }}", {"items": 1, "x": "y"}),
        ("{{ map.items }}", 1),
        ("{{ hosts | map('upper') }}", ("A", "B")),
        ("{{ 'a b' | quote }}", "'a b'"),
        ("{{ '/a/b.c' | basename }}{{ '/a/b.c' | dirname }}", "b.c/a"),
        ("{{ ['q\"', port] | tojson }}", '["q\\"", 80]'),
        ("{{ steps.a.id if empty else 'none' }}", "none"),
        ("{{ steps.a.id if app else 'none' }}", Unresolved("a", "id")),
        ("{{ [steps.a.id, key] }}", (Unresolved("a", "id"), Secret("key"))),
        ("{{ key[1] }}", Secret("key", 1)),
        ("{% for h in hosts %}{{ h }}:{{ key }} {% endfor %}", Text(("a:", Secret("key"), " b:", Secret("key"), " "))),
        ("{% raw %}{{ not }}{% endraw %}", "{{ not }}"),
        ("{{ '{{' }}", "{{"),
    ],
)
def test_what_a_template_gives(source: str, value: object) -> None:
    assert render(source) == value


@pytest.mark.parametrize("special", ["key", "steps.a.id"])
@pytest.mark.parametrize(
    "computed",
    [
        "{{ S | upper }}", "{{ S ~ 'x' }}", "{{ S | length }}", "{{ S == 'x' }}", "{{ not S }}", "{{ S | int }}",
        "{{ S | tojson }}", "{{ [S] | tojson }}", "{{ [S] | join }}", "{{ [S] | string }}", "{{ S in ['x'] }}",
        "{{ 'x' in S }}", "{{ S | replace('a', 'b') }}", "{{ S | quote }}", "{{ S.special }}", "{{ S['special'] }}",
        "{{ S() }}", "{{ {S: 1} }}", "{{ S + 1 }}", "{{ S * 2 }}", "{{ -S }}", "{{ [S, S] | unique | list }}",
        "{{ [S, 'a'] | sort }}", "x{{ [S] }}", "{% if S %}x{% endif %}", "{% for c in S %}x{% endfor %}",
        "{{ S if S else 1 }}", "{{ S or 1 }}", "{{ S | trim }}", "{{ S | first }}", "{{ [S] | map('upper') | list }}",
        "{{ S | default(1) | lower }}", "{{ S | abs }}", "{{ S | round }}", "{{ S % 2 }}", "{{ '%s' % S }}",
        "{{ '{}'.format(S) }}", "{{ ''.join([S]) }}", "{{ 'a'.startswith(S) }}", "{{ range(S) }}", "{{ S | float }}",
        "{{ [S] | sum }}", "{{ S | list }}", "{{ S | indent }}", "{{ S.__class__ }}", "{{ S.__class__.__name__ }}",
    ],
)  # fmt: skip
def test_an_output_and_a_secret_can_only_be_named(special: str, computed: str) -> None:
    with pytest.raises(TemplateProblem):
        render(computed.replace("S", special))


@pytest.mark.parametrize(
    "escape",
    [
        "{{ ''.__class__ }}", "{{ ''.__class__.__mro__ }}", "{{ ''['__class__'] }}", "{{ hosts.__class__ }}",
        "{{ steps.__class__ }}", "{{ steps._find }}", "{{ steps._find('a') }}", "{{ steps | list }}",
        "{{ 'x' in steps }}", "{{ [1] | tojson(indent=999999999) }}", "{{ [1] | batch(999999999, 1) | list }}",
        "{{ app | attr('__class__') }}", "{{ hosts | map(attribute='__class__') | list }}", "{{ self.__init__ }}",
        "{{ self }}", "{{ range.__globals__ }}", "{{ lipsum }}", "{{ cycler }}", "{{ namespace() }}", "{{ map.get }}",
        "{% include 'x' %}", "{% import 'x' as x %}", "{% extends 'x' %}", "{% macro m() %}{% endmacro %}",
        "{% filter upper %}{{ key }}{% endfilter %}", "{% set x %}{{ key }}{% endset %}", "{% block b %}{% endblock %}",
        "{% call app() %}{% endcall %}", "{{ '{0.__class__}'.format(app) }}", "{{ app.format_map({}) }}",
        "{{ hosts.append(1) }}", "{{ map.update({}) }}", "{{ 'a' * 1000000000 }}", "{{ 9 ** 99999999 }}",
        "{{ '%1000000000d' % 1 }}", "{{ range(100000000) | list }}", "{{ 'a' | indent(1000000000) }}",
        "{{ app.ljust(1000000000) }}", "{{ '\ue0000\ue001' }}", "\ue0000\ue001", "{{ 1 / 0 }}", "{{ nothing }}",
        "{{", "}}{%", "{% for a in range(999) %}{% for b in range(999) %}{{ a * b * 1000000 }}{% endfor %}{% endfor %}",
        "{% for a in [1] %}{% for b in [1] %}{% for c in [1] %}{% endfor %}{% endfor %}{% endfor %}",
    ],
)  # fmt: skip
def test_no_way_out_of_the_sandbox(escape: str) -> None:
    with pytest.raises(TemplateProblem) as refused:
        render(escape)
    assert "object at 0x" not in refused.value.says


EXPRESSIONS = st.recursive(
    st.sampled_from(["app", "port", "hosts", "key", "steps.a.id", "map", "'x'", "1", "steps", "nothing", "empty"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["upper", "list", "tojson", "default('d')", "int", "join(',')", "first"])).map(
            lambda pair: f"({pair[0]} | {pair[1]})"
        ),
        st.tuples(inner, st.sampled_from(["~", "+", "==", "and", "or", "in", "*", "%"]), inner).map(
            lambda three: f"({three[0]} {three[1]} {three[2]})"
        ),
        inner.map(lambda one: f"[{one}]"),
        inner.map(lambda one: f"({one})[0]"),
        st.tuples(inner, inner, inner).map(lambda three: f"({three[0]} if {three[1]} else {three[2]})"),
        st.tuples(inner, st.sampled_from(["__class__", "x", "items()", "_find", "special"])).map(".".join),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    EXPRESSIONS,
    st.sampled_from(["{{ E }}", "a {{ E }} b", "{% if E %}x{% endif %}", "{% for i in E %}{{ i }}{% endfor %}"]),
)
def test_any_expression_gives_data_or_a_problem(expression: str, around: str) -> None:
    try:
        value = render(around.replace("E", expression))
    except TemplateProblem as problem:
        assert problem.says
        assert problem.line >= 1
        return
    assert set(specials(value)) <= {Secret("key"), Secret("key", 0), Unresolved("a", "id")}
    assert "\ue000" not in str(value)
    assert "\ue001" not in str(value)
    assert "object at 0x" not in str(value)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("{}%# aikeyports.|'\"[]()\n\\-~_\ue000\ue0010"), max_size=60))
def test_any_text_gives_data_or_a_problem(source: str) -> None:
    try:
        render(source)
    except TemplateProblem as problem:
        assert problem.says


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", "{{ key }}", "{{ app }}", "{{ steps.x.id }}", "\n", " ", "0"]), min_size=2, max_size=12
    )
)
def test_specials_stay_where_they_were_named(pieces: list[str]) -> None:
    source = "".join(["<", *pieces, ">"])
    shown = (
        source.replace("{{ key }}", "‹secret key›").replace("{{ app }}", "iris").replace("{{ steps.x.id }}", "‹x.id›")
    )
    assert str(render(source)) == shown
