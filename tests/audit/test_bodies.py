import pytest

from audit.bodies import parsed_object
from audit.errors import BodyTooLarge, DuplicateName, MalformedBody, TooDeeplyNested


def test_an_object_is_read_as_it_is():
    body = '{"ref": "ä", "features": {"dti": 5, "rate": 0.1, "known": null}}'.encode()

    assert parsed_object(body, 1000) == {
        "ref": "ä",
        "features": {"dti": 5, "rate": 0.1, "known": None},
    }


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", MalformedBody),
        (b"{} {}", MalformedBody),
        (b'{"a": 01}', MalformedBody),
        ("{}".encode("utf-16"), MalformedBody),
        (b'{"a":' * 20_000, TooDeeplyNested),
        (b'{"a": {"b": 1, "b": 1}}', DuplicateName),
        (b'{"a": "' + b"x" * 1000 + b'"}', BodyTooLarge),
    ],
)
def test_anything_else_is_refused_by_name(body, refusal):
    with pytest.raises(refusal):
        parsed_object(body, 1000 if refusal is BodyTooLarge else 10**6)


def test_thousands_of_names_twice_do_not_take_quadratic_time():
    names = ",".join(f'"n{number}": 1, "n{number}": 2' for number in range(30_000))

    with pytest.raises(DuplicateName) as caught:
        parsed_object(f"{{{names}}}".encode(), 10**7)

    assert len(caught.value.errors) == 50
