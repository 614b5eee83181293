// What the scripts say: Chinese first, English beside.

/** Messages of form-js (its `translate`), by the English it asks for. */
const FORM_WORDS = {
  'Field is required.': '请填写此项。 This is required.',
  'Field must match pattern {value}.': '格式不符,请按说明填写。 It does not have the form that is asked for.',
  'Field must have minimum value of {value}.': '不得小于 {value}。 At least {value}.',
  'Field must have maximum value of {value}.': '不得大于 {value}。 At most {value}.',
  'Field must have minimum length of {value}.': '至少 {value} 个字。 At least {value} characters.',
  'Field must have maximum length of {value}.': '最多 {value} 个字。 At most {value} characters.',
  'Field must be a valid email.': '请填写有效的邮箱地址。 A valid e-mail address, please.',
  'Field must be a valid international phone number. (e.g. +4930664040900)':
    '请填写带国家代码的电话号码,例如 +8613800138000。 A phone number with country code, please.',
  'Date and time must both be entered.': '请同时填写日期和时间。 Both date and time, please.',
  'Value is not a number.': '请填写数字。 A number, please.',
  'Value is expected to be an integer.': '请填写整数。 A whole number, please.',
  'Value is expected to have at most 1 decimal digit.': '最多一位小数。 At most one decimal digit.',
  'Value is expected to have at most {value} decimal digits.': '最多 {value} 位小数。 At most {value} decimal digits.',
  'Please select a valid value, the two nearest valid values are {previousValue} and {nextValue}.':
    '最接近的可用数值是 {previousValue} 和 {nextValue}。 The nearest valid values are {previousValue} and {nextValue}.',
  'Min validation value is not a valid number.': '表单的最小值有误。 The form\'s minimum is not a number.',
  'Max validation value is not a valid number.': '表单的最大值有误。 The form\'s maximum is not a number.',
  'All values selected': '已全部选择 All are chosen',
  'No results': '没有匹配项 Nothing found',
  Search: '搜索 Search',
  'Skip to search': '转到搜索 Skip to search',
  'Remove tag': '移除 Remove',
  Increment: '加 Increase',
  Decrement: '减 Decrease',
  'Nothing to show.': '没有内容。 Nothing to show.',
  'Next page': '下一页 Next page',
  'Previous page': '上一页 Previous page',
  'Add new': '添加 Add',
  Collapse: '收起 Collapse',
};

const filled = (text, values) => text.replace(/{([^}]+)}/g, (whole, name) => values[name] ?? whole);

/** Says a message of form-js in the words of the desk; what is not known stays English. */
export function translate(template, values = {}) {
  return filled(FORM_WORDS[template] ?? template, values);
}

export const SAYS = {
  submit: ['提交', 'Submit'],
  sending: ['正在提交…', 'Sending…'],
  sent: ['已提交。', 'Done.'],
  invalid: ['有 {value} 项需要填写或更正。', 'To fill in or to correct: {value}.'],
  over: ['此任务已不在办理中,所填内容仍在下方,可复制。', 'This task is over; what you wrote is still below.'],
  elsewhere: ['此任务已在另一窗口提交。', 'This task was completed in another window.'],
  expired: ['登录已过期。请在新窗口重新登录,再回到这里提交;所填内容已保留。', 'Your session has expired. Sign in again in another window, then submit here; what you wrote is kept.'],
  lost: ['没有收到回应。所填内容已保留;请再次提交,不会重复。', 'There was no answer. What you wrote is kept; submit again, it counts once.'],
  refused: ['未能提交。', 'This was not accepted.'],
  restored: ['已恢复上次未提交的内容。', 'What you had written before is back.'],
  discard: ['放弃草稿', 'Discard the draft'],
  draftKept: ['草稿已保存 {value}', 'Draft saved'],
  draftHere: ['草稿仅保留在本窗口', 'Draft kept in this window only'],
  broken: ['表单无法显示。请刷新页面;如仍如此,请告知管理员。', 'The form cannot be shown. Reload the page; if it stays so, tell the administrator.'],
  wordsRefused: ['此处有不得书写的词语,提交前请更换。', 'Some words here may not be written; change them before submitting.'],
  diagramBroken: ['流程图无法显示。', 'The diagram cannot be shown.'],
  active: ['进行中', 'In progress'],
  incident: ['受阻', 'Stuck'],
  done: ['已完成', 'Done'],
  zoomIn: ['放大', 'Zoom in'],
  zoomOut: ['缩小', 'Zoom out'],
  fit: ['全图', 'Whole diagram'],
  here: ['当前位置', 'Where it is now'],
  diagram: ['流程图', 'Process diagram'],
  keys: ['方向键移动,+ − 缩放,0 全图', 'Arrow keys move, + − zoom, 0 shows all'],
  live: ['实时更新', 'Live'],
  unconnected: ['连接中断,正在重试…', 'Connection lost, trying again…'],
};

/** A sentence of SAYS as nodes: Chinese, then English in <small lang="en">. */
export function said(name, value = '') {
  const [zh, en] = SAYS[name].map((text) => filled(text, { value }));
  const small = document.createElement('small');
  small.lang = 'en';
  small.textContent = en;
  return [document.createTextNode(`${zh} `), small];
}

/** The same as one line of text, for attributes. */
export const line = (name, value = '') => SAYS[name].map((text) => filled(text, { value })).join(' ');
