"""Numbers and names of nobody, with valid check digits, in the forms in which people write them."""

from __future__ import annotations

from hypothesis import strategies as st

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
FULL_WIDTH = str.maketrans("0123456789X-", "０１２３４５６７８９Ｘ－")
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂红玉萍宇浩欣怡梓涵子轩思雨嘉"


def with_check(first: str) -> str:
    """An identity number from its first 17 digits (GB 11643-1999)."""
    remainder = sum(int(d) * w for d, w in zip(first, _WEIGHTS, strict=True)) % 11
    return first + "10X98765432"[remainder]


identity_numbers = st.builds(
    lambda region, year, month, day, order: with_check(
        f"{region}{year}{month:02d}{day:02d}{order:03d}"
    ),
    st.sampled_from(["110105", "330102", "420106", "510421", "810000", "990181"]),
    st.integers(1930, 2020),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 999),
)
old_identity_numbers = st.builds(
    lambda region, year, month, day, order: f"{region}{year}{month:02d}{day:02d}{order:03d}",
    st.sampled_from(["110105", "330102", "420106", "510421"]),
    st.integers(40, 99),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 999),
)
mobile_numbers = st.builds(
    lambda start, rest: f"{start}{rest:09d}", st.integers(13, 19), st.integers(0, 10**9 - 1)
)
names = st.builds(
    lambda surname, given: surname + given,
    st.sampled_from(SURNAMES),
    st.text(st.sampled_from(GIVEN), min_size=1, max_size=2),
)

# How an 18-digit number is written.
IDENTITY_FORMS = {
    "plain": lambda n: n,
    "small x": lambda n: n.lower(),
    "apostrophe": lambda n: f"'{n}",
    "blanks": lambda n: f" {n[:6]} {n[6:14]} {n[14:]} ",
    "dashes": lambda n: f"{n[:6]}-{n[6:14]}-{n[14:]}",
    "groups of four": lambda n: " ".join(n[i : i + 4] for i in range(0, 18, 4)),
    "full width": lambda n: n.translate(FULL_WIDTH),
    "wide blanks": lambda n: f"{n[:6]}　{n[6:14]}　{n[14:]}",
    "in a sentence": lambda n: f"患者证号{n}，已随访。",
    "with a name": lambda n: f"甲某({n})",
}
MOBILE_FORMS = {
    "plain": lambda n: n,
    "+86": lambda n: f"+86{n}",
    "+86 blank": lambda n: f"+86 {n[:3]} {n[3:7]} {n[7:]}",
    "0086": lambda n: f"0086{n}",
    "86-": lambda n: f"86-{n}",
    "blanks": lambda n: f"{n[:3]} {n[3:7]} {n[7:]}",
    "dashes": lambda n: f"{n[:3]}-{n[3:7]}-{n[7:]}",
    "full width": lambda n: n.translate(FULL_WIDTH),
    "apostrophe": lambda n: f"'{n}",
    "float": lambda n: f"{n}.0",
    "in a sentence": lambda n: f"家属电话{n}。",
}
