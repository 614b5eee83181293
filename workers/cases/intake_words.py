"""The words that a complaint line may use: the ways a complaint comes in (rules A1, B13) and its flags."""

from __future__ import annotations

from typing import Final

CHANNELS: Final = {
    "phone": "电话 · telephone",
    "web": "网站 · web site",
    "app": "手机客户端 · app",
    "chat": "在线客服 · online chat",
    "email": "电子邮件 · e-mail",
    "social-media": "社交媒体 · social media",
    "hall": "营业厅 · service hall",
    "letter": "来信 · letter",
    "visit": "来访 · visit",
    "12345": "12345 政务热线 · government hotline 12345",
    "12315": "12315 消费者热线 · consumer hotline 12315",
    "regulator": "通信管理部门转办 · passed on by the telecom authority",
    "internal": "内部发现 · found by the operator itself",
}
"""Channel -> what people read."""

FLAGS: Final = {
    "media": "媒体关注 · media attention",
    "regulator": "监管部门关注 · regulator involved",
    "legal": "涉及诉讼 · legal action",
    "privacy": "涉及个人信息 · personal data concerned",
    "safety": "涉及人身安全 · danger to people",
    "vip": "重要客户 · important customer",
    "vulnerable": "老年人或残障人士 · elderly or disabled customer",
    "group": "群体投诉 · several customers",
    "repeat": "客户自述重复投诉 · the customer says it is not the first time",
    "urgent": "客户要求紧急处理 · the customer asks for urgency",
}
"""Flag -> what people read."""
