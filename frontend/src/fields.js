// Form fields that form-js draws with plain <div>s, as elements that keyboards, phones and screen readers know:
// a choice is a <select>, a group of answers is a group with a name.

import { Checklist, Description, Errors, Label, Radio, Select } from '@bpmn-io/form-js-viewer';
import { h } from 'preact';

const optionsOf = (field) => field.values ?? [];

/** One answer out of a list. An option's value may be any JSON value, so the <select> carries its place in the list. */
function NativeSelect({ field, value, errors = [], domId, disabled, readonly, onChange, onBlur, onFocus }) {
  const options = optionsOf(field);
  const chosen = options.findIndex((each) => each.value === value);
  const isRequired = Boolean(field.validate?.required);
  const [descriptionId, errorId] = [`${domId}-description`, `${domId}-error-message`];
  const classes = ['fjs-form-field', 'fjs-form-field-select', errors.length && 'fjs-has-errors', disabled && 'fjs-disabled', readonly && 'fjs-readonly'];
  return h('div', { class: classes.filter(Boolean).join(' ') }, [
    h(Label, { htmlFor: domId, label: field.label, required: isRequired }),
    h(
      'select',
      {
        id: domId,
        class: 'fjs-input',
        disabled: disabled || readonly,
        required: isRequired,
        'aria-invalid': errors.length > 0,
        'aria-describedby': `${descriptionId} ${errorId}`,
        onChange: ({ target }) => onChange({ value: target.value === '' ? null : options[Number(target.value)].value }),
        onBlur: () => onBlur?.(),
        onFocus: () => onFocus?.(),
      },
      [
        h('option', { value: '', selected: chosen < 0 }, '请选择 Choose…'),
        ...options.map((each, index) => h('option', { value: String(index), selected: index === chosen }, each.label)),
      ],
    ),
    h(Description, { id: descriptionId, description: field.description }),
    h(Errors, { id: errorId, errors }),
  ]);
}
NativeSelect.config = { ...Select.config };

/** The field as form-js draws it, inside an element that says that its answers belong together. */
function grouped(Original, role) {
  const Grouped = (props) =>
    h(
      'div',
      {
        role,
        class: 'form-answers',
        'aria-label': props.field.label,
        'aria-required': role === 'radiogroup' ? Boolean(props.field.validate?.required) : undefined,
      },
      h(Original, props),
    );
  Grouped.config = Original.config;
  return Grouped;
}

class OwnFields {
  constructor(formFields) {
    formFields.register('select', NativeSelect);
    formFields.register('radio', grouped(Radio, 'radiogroup'));
    formFields.register('checklist', grouped(Checklist, 'group'));
  }
}
OwnFields.$inject = ['formFields'];

/** A module for form-js. */
export const ownFields = { __init__: ['ownFields'], ownFields: ['type', OwnFields] };
