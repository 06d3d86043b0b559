import hashlib
import hmac
import pickle
import threading
import unicodedata
import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc_analytics.kernel.errors import ConfigurationError, InvalidInput
from ioc_analytics.privacy.pseudonyms import PSEUDONYM_KINDS, Pseudonymizer, canonical_email

KEY = bytes(range(32))


def expected(kind: str, identifier: str, key: bytes = KEY) -> bytes:
    """The definition written out again, by other means than the code's."""
    text = unicodedata.normalize("NFC", identifier).strip()
    bits = int.from_bytes(hmac.new(key, f"{kind}\0{text}".encode(), hashlib.sha256).digest()[:16])
    bits = bits & ~(0xF << 76) | 0x8 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62
    return bits.to_bytes(16)


def test_known_vectors() -> None:
    one = Pseudonymizer(KEY).one
    assert one("response", "a") == uuid.UUID("04de8867-01b3-8170-bccb-2c59f7297321")
    assert one("response", "a").bytes == expected("response", "a")


@given(st.sampled_from(PSEUDONYM_KINDS), st.text(min_size=1).filter(lambda text: text.strip()))
def test_a_pseudonym_is_the_hmac_with_the_bits_of_rfc_9562(kind: str, identifier: str) -> None:
    pseudonym = Pseudonymizer(KEY).one(kind, identifier)
    assert pseudonym.bytes == expected(kind, identifier)
    assert pseudonym.version == 8
    assert pseudonym.variant == uuid.RFC_4122


def test_every_kind_is_a_domain_of_its_own() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    assert len({pseudonymizer.one(kind, "17") for kind in PSEUDONYM_KINDS}) == len(PSEUDONYM_KINDS)


def test_another_key_gives_another_pseudonym_and_another_key_id() -> None:
    one, other = Pseudonymizer(KEY), Pseudonymizer(KEY[::-1])
    assert one.one("respondent", "17") != other.one("respondent", "17")
    assert one.key_id != other.key_id
    assert len(one.key_id) == 8
    assert int(one.key_id, 16) >= 0


def test_spellings_that_look_alike_are_one_person() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    assert pseudonymizer.one("respondent", " Zo\u00eb ") == pseudonymizer.one(
        "respondent", "Zoe\u0308"
    )
    assert pseudonymizer.one("respondent", "a") != pseudonymizer.one("respondent", "A")


def test_an_email_counts_in_any_case_and_width() -> None:
    assert canonical_email(" Ada@EXAMPLE.org") == canonical_email("ada＠example.org")


@given(
    st.lists(
        st.one_of(st.none(), st.sampled_from(["", " ", "a", " a", "b", "\u00e9", "e\u0301"]))
        | st.text(max_size=5)
    )
)
def test_plain_dictionary_and_chunked_columns_agree(values: list[str | None]) -> None:
    pseudonymizer = Pseudonymizer(KEY)
    plain = pa.array(values, pa.string())
    one_by_one = [
        expected("response", value) if value and value.strip() else None for value in values
    ]
    as_dictionary = pseudonymizer.many("response", plain.dictionary_encode())
    assert pseudonymizer.many("response", plain).to_pylist() == one_by_one
    assert as_dictionary.to_pylist() == one_by_one
    assert as_dictionary.dictionary.null_count == 0
    half = len(values) // 2
    chunked = pa.chunked_array(
        [plain[:half].dictionary_encode(), plain[half:].dictionary_encode()],
        pa.dictionary(pa.int32(), pa.string()),
    )
    assert pseudonymizer.many("response", chunked).to_pylist() == one_by_one
    assert pseudonymizer.many("response", plain[half:]).to_pylist() == one_by_one[half:]


def test_a_plain_column_comes_back_plain_and_a_dictionary_as_a_dictionary() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    values = pa.array(["a", "b", "a"])
    assert pseudonymizer.many("response", values).type == pa.binary(16)
    encoded = pseudonymizer.many("response", values.dictionary_encode())
    assert encoded.type == pa.dictionary(pa.int32(), pa.binary(16))
    assert len(encoded.dictionary) == 2


def test_a_dictionary_with_a_null_entry_is_taken() -> None:
    values = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 2, None, 3], pa.int8()), pa.array(["a", None, " ", "b"])
    )
    found = Pseudonymizer(KEY).many("response", values).to_pylist()
    assert found == [expected("response", "a"), None, None, None, expected("response", "b")]


def test_an_empty_column_has_no_pseudonyms() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    assert len(pseudonymizer.many("response", pa.array([], pa.string()))) == 0
    assert len(pseudonymizer.many("response", pa.chunked_array([], pa.string()))) == 0


def test_a_dictionary_that_comes_again_is_not_hashed_again() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    ids = pa.array(["a", "b", "c"])
    indices = pa.array([0, 1, 2, 2], pa.int32())
    first = pseudonymizer.many("response", pa.DictionaryArray.from_arrays(indices, ids))
    same = pseudonymizer.many("response", pa.DictionaryArray.from_arrays(indices, ids))
    alike = pseudonymizer.many(
        "response", pa.DictionaryArray.from_arrays(indices, pa.array(["a", "b", "c"]))
    )
    address = first.dictionary.buffers()[1].address
    assert same.dictionary.buffers()[1].address == address
    assert alike.dictionary.buffers()[1].address == address


def test_changing_dictionaries_and_kinds_never_mix() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    for turn in range(50):
        for kind in PSEUDONYM_KINDS:
            ids = [f"{turn}-{place}" for place in range(3)]
            column = pa.array(ids).dictionary_encode()
            found = pseudonymizer.many(kind, column).to_pylist()
            assert found == [expected(kind, identifier) for identifier in ids]


def test_threads_share_one_pseudonymizer() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    wrong: list[str] = []

    def work(name: str) -> None:
        for turn in range(100):
            ids = [f"{name}-{turn}-{place}" for place in range(5)]
            if pseudonymizer.many("response", pa.array(ids)).to_pylist() != [
                expected("response", identifier) for identifier in ids
            ]:
                wrong.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_key_is_not_shown_and_does_not_travel() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    assert KEY.hex() not in repr(pseudonymizer)
    assert pseudonymizer.key_id in repr(pseudonymizer)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(pseudonymizer)


def test_misuse_is_refused() -> None:
    pseudonymizer = Pseudonymizer(KEY)
    with pytest.raises(InvalidInput, match="did you mean 'organization'"):
        pseudonymizer.one("organisation", "17")
    with pytest.raises(InvalidInput, match="is empty"):
        pseudonymizer.one("respondent", "  ")
    with pytest.raises(ConfigurationError, match="32 bytes"):
        Pseudonymizer(b"short")
