"""What the contract suite says: one rule per way in which models and code can drift apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RULES: Final = {
    "unreadable": "文件无法读取",
    "process-id": "流程编号、文件名与文件夹名不一致",
    "element-id": "元素编号不符合命名规则",
    "label": "缺少中文标签",
    "documentation": "缺少说明",
    "job-unknown": "没有处理此任务的程序",
    "job-unused": "程序未被任何流程使用",
    "job-header": "任务缺少所需的标头",
    "job-variable": "程序读取的变量不在字典中",
    "user-task": "人工任务缺少表单、责任组或到期时间",
    "policy-row": "处理规定在决策表中没有行",
    "form-missing": "表单不存在",
    "form-unused": "表单未被任何流程使用",
    "form-unusable": "表单无法在服务器上校验",
    "form-variable": "表单答案不在字典中",
    "decision-missing": "决策表不存在",
    "decision-result": "决策结果的变量名不符合规则",
    "decision-field": "决策表没有此结果列",
    "decision-id": "决策编号与文件名不一致",
    "decision-gap": "决策表有未覆盖的情形",
    "decision-overlap": "决策表的行互相重叠",
    "decision-dead": "决策表中有永远到不了的行",
    "message-unknown": "程序不认识此消息",
    "message-correlation": "消息须按投诉编号关联",
    "code-shape": "错误或上报代码须为大写",
    "code-uncaught": "错误或上报无人接收",
    "code-unthrown": "接收的错误或上报无人发出",
    "variable-unknown": "变量不在字典中",
    "variable-entry": "字典条目不完整",
    "variable-personal": "流程变量不得含个人信息",
    "variable-text": "人工填写的文字不得进入流程变量",
    "variable-unset": "读取时变量可能尚未赋值",
    "call-missing": "调用的流程不存在",
    "call-inputs": "调用时缺少被调用流程所需的变量",
    "template-missing": "通知模板不存在",
    "template-unused": "通知模板未被任何流程使用",
    "wording": "含有禁用语",
    "timer": "计时只能取自时刻变量或处理规定",
    "gateway-default": "判断网关缺少默认流向",
    "drawing-missing": "图上缺少此元素",
    "drawing-overlap": "图形重叠",
    "drawing-crossing": "连线穿过图形或互相交叉",
}
"""Rule -> its title in Chinese. Every rule has a broken probe in tests/contract."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong. `rule` is a key of RULES; `element` is empty where the whole file is meant."""

    file: str
    element: str
    rule: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file} {self.element}".strip()
        return f"{where}: {RULES[self.rule]}。{self.message} [{self.rule}]"
