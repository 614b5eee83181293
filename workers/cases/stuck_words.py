"""Why the engine cannot go on, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "JOB_NO_RETRIES": ("任务多次处理失败，已停止重试", "the work failed as often as it may"),
    "IO_MAPPING_ERROR": ("输入或输出变量映射失败", "a variable mapping of the diagram failed"),
    "CONDITION_ERROR": ("网关条件无法判断，没有可走的分支", "no way out of the gateway can be chosen"),
    "EXTRACT_VALUE_ERROR": ("表达式取不到所需的值", "an expression did not give what is needed"),
    "CALLED_ELEMENT_ERROR": ("调用的流程不存在", "the called process is not deployed"),
    "UNHANDLED_ERROR_EVENT": ("业务错误没有对应的处理", "nobody catches the business error"),
    "MESSAGE_SIZE_EXCEEDED": ("变量过大，引擎无法传递", "the variables are too large to hand over"),
    "CALLED_DECISION_ERROR": ("调用的决策表不存在", "the called decision is not deployed"),
    "DECISION_EVALUATION_ERROR": ("决策表无法得出结果", "the decision table gave no result"),
    "FORM_NOT_FOUND": ("任务的表单未部署", "the form of the task is not deployed"),
    "RESOURCE_NOT_FOUND": ("所需的模型未部署", "a model that is needed is not deployed"),
    "EXECUTION_LISTENER_NO_RETRIES": ("监听任务多次失败", "a listener failed as often as it may"),
}


def why(error_type: str) -> dict[str, str]:
    """The kind of failure in plain words."""
    zh, en = _WHY.get(error_type, ("引擎无法继续", "the engine cannot go on"))
    return {"zh": zh, "en": en}
