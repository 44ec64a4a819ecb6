"""Notes of offices: short, and without anything that points at a person.

Numbers and addresses are told by their form (`etl.persons`). A name within a sentence has none, so
only those are found that stand alone, after a word such as 患者, or before one such as 女士.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from etl.headings import is_name
from etl.persons import Texts, signs
from etl.settings import registry
from geo.errors import InputError, PersonalDataError

LONGEST = 300

# Words that a name follows, and characters that may follow a name.
_BEFORE = (
    "姓名|名叫|患者|病人|学生|同学|居民|村民|家属|当事人|求助者|来访者|来电者|监护人|儿童|老人|产妇|残疾人|联系人|本人"
    "|联系|接待|走访|回访|陪同|看望|约谈|劝导"
)
_END = r"(?=[^\u3400-\u9fff]|[已在被于的说正拟仍及和与]|情况|情绪|家中|$)"
_AFTER = re.compile(rf"(?:{_BEFORE})[是为叫了]?[: ]?(?=([\u3400-\u9fff]{{3}}){_END})")
_SHORT = re.compile(rf"(?:{_BEFORE})[是为叫了]?[: ]?(?=([\u3400-\u9fff]{{2}}){_END})")
_ALONE = re.compile(r"(?<![\u3400-\u9fff])([\u3400-\u9fff]{3})(?![\u3400-\u9fff])")
_NUMBER = re.compile(r"\d{15}")
# Surnames that are as often the first character of a word of the trade: 高风险, 方案定, 农户.
_WORDS = frozenset(
    "高万方金石白江程段任常温康施安成时应关于连全相明和空农司党卫单项车景古平解管费路水华文包"
)


def clean_note(text: str, *, what: str = "note") -> str:
    """A note as it is kept: one line, blanks joined.

    Parameters
    ----------
    what : what a message calls it.

    Raises
    ------
    InputError : longer than 300 characters.
    PersonalDataError : it holds a number, an address or a name of a person; none is repeated.
    """
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(plain) > LONGEST:
        raise InputError(f"{what}: {len(plain)} characters; wanted at most {LONGEST}")
    found: list[str] = sorted(signs(Texts.of([plain])))
    half_width = unicodedata.normalize("NFKC", plain)
    if _NUMBER.search(half_width):
        found = found or ["long number"]
    if _names(half_width):
        found.append("name")
    if found:
        raise PersonalDataError(
            f"{what}: holds what points at a person ({', '.join(found)}); nothing of it was kept. "
            "Write what the office does, and leave out who is helped"
        )
    return plain


def _names(plain: str) -> bool:
    if _titled().search(plain):
        return True
    told = [word for pattern in (_AFTER, _SHORT, _ALONE) for word in pattern.findall(plain)]
    return any(word[0] not in _WORDS and is_name(word) for word in told)


@cache
def _titled() -> re.Pattern[str]:
    """A surname with what is said of people after it: 张某, 李女士, 王小明同学."""
    names = registry("surnames")
    single = set("".join((names["common"] + names["further"]).split())) - _WORDS
    surnames = "|".join([f"[{''.join(sorted(single))}]", *names["compound"]])
    return re.compile(
        rf"(?:{surnames})(?:某某?|[\u3400-\u9fff]{{0,2}}(?:先生|女士|小姐|同学|小朋友))"
    )
