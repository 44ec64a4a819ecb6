"""What a header, a label or a short text says of persons: that they follow, or one's name."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from etl.persons import redact
from etl.settings import registry

# Headers that end in a word of counting are figures, whatever they count: 个案数, 来电人次.
_COUNTED = re.compile(
    r"(数|数量|人数|人次|次数|例数|件数|起数|户数|量|率|比例|占比|合计|小计|情况|count|total|rate)$"
)
_NEVER = (
    r"身份证|证件号|证件号码|公民身份|护照号?|通行证号?|居住证号?|社保卡?号|医保卡?号|病历号|病案号|住院号|门诊号|就诊(卡|号)"
    r"|挂号(序号|编号|单号)|床号|银行(卡|账)号?|个案(编?号|名|id|档案)|案件编号|档案编?号|患者(编?号|id)|(身份|公民)号码"
    r"|(患者|病人|学生|儿童|老人|当事人|对象|监护人|家长|家属|本人|来访者|求助者|服务对象|户主)姓?名(?![额次单册称])"
    r"|^姓名$|^名字$|^(姓|名|户主)$|曾用名"
    r"|出生(日期|年月日?|时间)|^(生日|生辰)$|(家庭|居住|户籍|现住?|常住|本人)(住址|地址|详址|所在地)|^住址$"
)
_OUTSIDE_FACILITIES = (
    r"姓名|联系电话|联系方式|手机|移动电话|^(联系)?电话(号码?)?$|(本人|家庭|家长|家属|监护人)电话|^(联系人|监护人)$"
    r"|住址|详细地址|门牌号?|微信(号|id)?$|^qq(号码?)?$|电子邮箱|^邮箱$"
)
_NEVER_EN = (
    r"^(id|identity|national id|citizen id)( card)?( no| number| num)$|^id card$|^passport"
    r"|^(patient|student|person|client|full|first|last|given|family|middle) ?name$|^surname$"
    r"|^(patient|person|client|citizen) id$|^(date of birth|birth ?date|birthday|dob)$"
    r"|^(home|residential) address$|^(bank )?card (no|number)$|^bank account"
    r"|^(case|medical record|patient|admission) ?(no|number|id|file)$|^mrn$|^ssn$"
)
_OUTSIDE_FACILITIES_EN = (
    r"^(mobile|cell|phone|telephone)( ?phone)?( no| number)?$|^e ?mail( address)?$|wechat"
    r"|^contact( person| name)?$"
)
# Whose name stands in a facility's row: its own people, known by the header and never mapped.
CONTACT = re.compile(
    r"联系人|负责人|法人|代表人|院长|校长|所长|主任|站长|园长|书记|馆长|咨询师|社工|医师|医生|经办人|管理员"
    r"|contact|director|principal|manager|head"
)
# Headers of places, institutions and kinds, whose texts may well begin with a surname.
NO_NAMES = re.compile(
    r"[省市县区旗镇乡街村社里组格]|地名|区划|区域|地区|辖区|单位|机构|名称|学校|类|型|科|部门|性质|等级|状态|来源|渠道"
    r"|指标|项目|area|town|village|district|place|site|kind|type|name|unit|department|measure"
)


def is_personal_header(header: str, *, facilities: bool) -> bool:
    """Whether a column of this name holds persons.

    Examples
    --------
    >>> is_personal_header("联系电话", facilities=False)
    True
    >>> is_personal_header("联系电话", facilities=True)
    False
    >>> is_personal_header("在册患者数", facilities=False)
    False
    """
    plain = unicodedata.normalize("NFKC", header).casefold()
    return any(_is_personal(part, facilities=facilities) for part in (plain, *plain.split("/")))


# A cell that is nothing but the label of a person's field: a form on one person has no header row.
LABEL_CELL = re.compile(
    r"(?<=\x1e)[\s*]*(?:(?:患者|病人|学生|儿童|当事人|监护人|来访者|求助者)?姓 {0,2}名"
    r"|(?:公民)?身份证件?(?:号码?)?|公民身份号码|出生(?:日期|年月日?)|(?:家庭|现|户籍)(?:住址|地址)|住院号|病历号|病案号|门诊号)[\s:]*(?=\x1e)"
)


def _is_personal(plain: str, *, facilities: bool) -> bool:
    chinese = re.sub(r"[\s_\-·*:]|\(.*?\)", "", plain)
    if _COUNTED.search(chinese):
        return False
    english = " ".join(re.sub(r"[^a-z0-9]+", " ", plain).split())
    if re.search(_NEVER, chinese) or re.search(_NEVER_EN, english):
        return True
    if facilities:
        return False
    return bool(
        re.search(_OUTSIDE_FACILITIES, chinese) or re.search(_OUTSIDE_FACILITIES_EN, english)
    )


def shown_header(header: str, position: int) -> str:
    """A header as a message may show it: its place if it holds a figure, a name or a sentence."""
    plain = unicodedata.normalize("NFKC", header)
    words = [word for word in re.split(r"[\s:/、,;()|]+", plain) if word]
    telling = (
        len(plain) > 24
        or re.search(r"[0-9@]{4}|:", plain) is not None
        or redact(header) != header
        or any(is_name(word) for word in words)
    )
    return f"#{position + 1}" if telling else header


@cache
def _name_pattern() -> re.Pattern[str]:
    """A whole text that may be a person's name."""
    names = registry("surnames")
    single = "".join("".join(names[key].split()) for key in ("common", "further", "traditional"))
    compound = "|".join(names["compound"])
    end = "".join(names["not_names_end"].split())
    han, hidden = "\u3400-\u9fff", "*xX○●某"
    given = f"(?:[{han}{hidden}] ?)?[{han}{hidden}](?<![{end}])"
    return re.compile(
        rf"(?:[{single}] {{0,2}}{given}|(?:{compound}) ?{given}"
        rf"|[{han}]{{1,9}}[·•‧・][{han}·]{{1,14}})"
    )


@cache
def name_cell() -> re.Pattern[str]:
    """A name as all of a text among joined ones."""
    return re.compile(rf"(?<=\x1e) *{_name_pattern().pattern} *(?=\x1e)")


def is_name(text: str) -> bool:
    """Whether a text may be a person's name; many other words may be, too."""
    return _name_pattern().fullmatch(text) is not None
