"""What each verdict says to people: a few words for tables and a sentence for reports, in English and Chinese."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.hj212.verdicts import WORDS, Verdict


class VerdictText(NamedTuple):
    """One verdict in words. A label fits into a table cell; a sentence says what was found and what is due."""

    label_en: str
    label_zh: str
    en: str
    zh: str


_V: Final = Verdict
TEXTS: Final[dict[Verdict, VerdictText]] = {
    _V.CRC_WRONG: VerdictText(
        "CRC wrong",
        "CRC 错误",
        "The CRC sent is not that of the data segment, nor that of any known mistake: the frame may be damaged.",
        "所发 CRC 与数据段不符，也不属于任何已知的计算错误，报文可能已损坏。",
    ),
    _V.CRC_LOWER_CASE: VerdictText(
        "CRC in lower case",
        "CRC 小写",
        "The CRC is right but written in lower case; the standard's examples write it in upper case.",
        "CRC 正确，但用小写字母书写，标准示例为大写。",
    ),
    _V.CRC_SHORT: VerdictText(
        "CRC shortened",
        "CRC 位数不足",
        "The CRC is right but has lost its leading zeros; it is due as four characters.",
        "CRC 数值正确，但缺少前导零，应为 4 个字符。",
    ),
    _V.CRC_SWAPPED: VerdictText(
        "CRC bytes swapped",
        "CRC 字节颠倒",
        "The two bytes of the CRC are swapped; the high byte is due first.",
        "CRC 的两个字节颠倒，应高字节在前。",
    ),
    _V.CRC_MODBUS: VerdictText(
        "CRC-16/MODBUS",
        "误用 MODBUS CRC",
        "The CRC is CRC-16/MODBUS of the data segment; HJ 212 computes it in a way of its own.",
        "使用了 CRC-16/MODBUS 算法，与 HJ 212 规定的 CRC 算法不同。",
    ),
    _V.CRC_OF_CIPHERTEXT: VerdictText(
        "CRC of the cipher text",
        "CRC 取自密文",
        "The CRC was taken of the encrypted data segment; it is due of the plain one, before encryption.",
        "CRC 按加密后的数据段计算，应按加密前的明文计算。",
    ),
    _V.LENGTH_WRONG: VerdictText(
        "length wrong",
        "长度错误",
        "The length field is not the number of bytes of the data segment.",
        "长度字段与数据段的实际字节数不符。",
    ),
    _V.LENGTH_DIGITS: VerdictText(
        "length not 4 digits",
        "长度位数错误",
        "The length field has other than four digits.",
        "长度字段不是 4 位数字。",
    ),
    _V.SEGMENT_LONG: VerdictText(
        "segment over 1024 bytes",
        "数据段超长",
        "The data segment is longer than 1024 bytes; it should have been split into packets.",
        "数据段超过 1024 字节，应分包发送。",
    ),
    _V.CP_LONG: VerdictText(
        "CP too long",
        "CP 超长",
        "There is more between the two && than the edition allows.",
        "两个 && 之间的内容超过该版本允许的长度。",
    ),
    _V.LINE_END: VerdictText(
        "line end",
        "包尾错误",
        "The frame does not end with CR LF.",
        "报文没有以回车换行（CR LF）结尾。",
    ),
    _V.QN_MISSING: VerdictText(
        "QN missing",
        "缺少 QN",
        "QN is missing: the message cannot be answered, and a repeat of it is hard to tell.",
        "缺少请求编码 QN，无法应答，也难以识别重发。",
    ),
    _V.FLAG_MISSING: VerdictText(
        "Flag missing",
        "缺少 Flag",
        "Flag is missing: neither the version nor whether a reply is wanted is said.",
        "缺少 Flag，无法得知协议版本及是否需要应答。",
    ),
    _V.HEADER_FIELD: VerdictText(
        "header field malformed",
        "段头字段不合规",
        "A header field is too long, empty, given twice or of another form than the edition's.",
        "段头字段超长、为空、重复或格式不符合该版本规定。",
    ),
    _V.HEADER_ORDER: VerdictText(
        "header order",
        "段头顺序错误",
        "The header fields are not in the order QN, ST, CN, PW, MN, Flag, PNUM, PNO, RF.",
        "段头字段未按 QN、ST、CN、PW、MN、Flag、PNUM、PNO、RF 的顺序排列。",
    ),
    _V.NAME_CASE: VerdictText(
        "case of names",
        "名称大小写错误",
        "A field name is in another case than the standard's; names are case-sensitive.",
        "字段名称大小写与标准不一致，字段名区分大小写。",
    ),
    _V.SEPARATOR: VerdictText(
        "separator",
        "分隔符错误",
        "A separator is missing, doubled or in the place of another.",
        "分隔符缺失、重复或误用。",
    ),
    _V.BLANKS: VerdictText(
        "blanks",
        "多余空格",
        "There are blanks around names, values or separators.",
        "名称、数值或分隔符前后有多余空格。",
    ),
    _V.ITEM_REPEATED: VerdictText(
        "item repeated",
        "数据项重复",
        "The same field of a factor or the same parameter comes more than once; the last one was used.",
        "同一因子字段或参数重复出现，取最后一个。",
    ),
    _V.ITEM_UNREADABLE: VerdictText(
        "item unreadable",
        "数据项无法解析",
        "An item is not of the form name=value, or its name cannot be one.",
        "数据项不是“名称=值”的形式，或名称无效。",
    ),
    _V.SUFFIX_MISSING: VerdictText(
        "suffix missing",
        "缺少字段后缀",
        "A factor comes without -Rtd, -Avg or another field name.",
        "因子编码后缺少 -Rtd、-Avg 等字段后缀。",
    ),
    _V.SUFFIX_UNKNOWN: VerdictText(
        "suffix unknown",
        "字段后缀未知",
        "A factor has a field that no edition knows.",
        "因子字段后缀不属于任何版本。",
    ),
    _V.CODE_UNKNOWN: VerdictText(
        "factor code unknown",
        "因子编码未知",
        "A factor code is in no table; its values were stored under the code as sent.",
        "因子编码不在编码表中，数据按原编码存储。",
    ),
    _V.VALUE_TEXT: VerdictText(
        "text for a number",
        "数值为文本",
        "There is text where a number is due.",
        "应为数值处出现文本。",
    ),
    _V.TIME_FORM: VerdictText(
        "DataTime malformed",
        "数据时间格式错误",
        "DataTime has other than 14 digits, or is missing where it is due.",
        "DataTime 不是 14 位数字，或应有而缺失。",
    ),
    _V.CP_EMPTY: VerdictText(
        "no data",
        "数据区为空",
        "A data command came without data; it was taken as a sign of life.",
        "数据命令中没有数据，仅视为设备在线。",
    ),
    _V.PACKET_FLAG: VerdictText(
        "packet numbers and Flag",
        "分包标志不符",
        "PNUM and PNO do not agree with bit 1 of Flag, or are padded with zeros.",
        "PNUM、PNO 与 Flag 的分包位不一致，或用零补位。",
    ),
    _V.ST_UNKNOWN: VerdictText(
        "ST unknown",
        "系统编码未知",
        "The system type ST is none of the edition's.",
        "系统编码 ST 不属于该版本。",
    ),
    _V.CN_UNKNOWN: VerdictText(
        "CN unknown",
        "命令编码未知",
        "The command CN is none of the edition's.",
        "命令编码 CN 不属于该版本。",
    ),
    _V.MN_FORM: VerdictText(
        "MN malformed",
        "MN 格式不符",
        "The device number MN is not of the edition's form.",
        "设备唯一标识 MN 不符合该版本的格式。",
    ),
    _V.FLAG_VERSION: VerdictText(
        "version in Flag",
        "Flag 版本不符",
        "The version in Flag is not that of the device's edition.",
        "Flag 中的版本号与设备所用版本不一致。",
    ),
    _V.TEXT_ENCODING: VerdictText(
        "text encoding",
        "文本编码错误",
        "Text is in GB 18030 or in no known encoding; UTF-8 is due.",
        "文本采用 GB 18030 或无法识别的编码，应为 UTF-8。",
    ),
    _V.PASSWORD_WRONG: VerdictText(
        "password wrong",
        "密码错误",
        "PW is not the password that is kept for this MN.",
        "PW 与该 MN 登记的密码不一致。",
    ),
    _V.NOT_ENCRYPTED: VerdictText(
        "not encrypted",
        "未加密",
        "An upload of edition 2025 came in plain text, although a key is kept for this MN.",
        "2025 版上传数据未加密，而该 MN 已登记密钥。",
    ),
    _V.KEY_UNKNOWN: VerdictText(
        "key unknown",
        "密钥不符",
        "The frame is encrypted and no key that is kept for this MN opens it.",
        "报文已加密，但该 MN 登记的密钥均无法解密。",
    ),
    _V.KEY_OLD: VerdictText(
        "key out of date",
        "使用旧密钥",
        "The frame was encrypted with a key that was no longer valid, and it is no back-filled one.",
        "报文使用已失效的密钥加密，且不是补传数据。",
    ),
    _V.REPEATED: VerdictText(
        "repeated",
        "重复发送",
        "The same message came before: the device did not get its answer, or did not wait for it. Stored once.",
        "同一报文重复发送：设备未收到应答或未等待应答。数据只存储一次。",
    ),
    _V.SET_INCOMPLETE: VerdictText(
        "packets missing",
        "分包不完整",
        "Packets of a split message did not come in time; those that came were stored.",
        "分包报文未在规定时间内收齐，已收到的分包已存储。",
    ),
}
"""Every verdict has its texts; a test says which has not."""


def texts_of(verdicts: int) -> list[tuple[str, VerdictText]]:
    """Word and texts of all bits that are set, in the order of `Verdict`."""
    return [(word, TEXTS[verdict]) for word, verdict in WORDS.items() if verdict & verdicts]
