import {
  useId,
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from 'react';
import { classes } from './classes';
import styles from './Field.module.css';
import { Icon } from './Icon';

interface FieldProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  /** What is wrong with the value, and what mends it. */
  readonly error?: string | null | undefined;
  /** The label is for screen readers only, because the page shows it in another way. */
  readonly labelHidden?: boolean;
}

interface Wiring {
  readonly id: string;
  readonly className: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean | undefined;
}

/** Label, hint and error around a control, tied together for screen readers. */
function Field({ label, hint, error, labelHidden, render }: FieldProps & { render: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const hasError = error !== undefined && error !== null;
  const described = [hint !== undefined && `${id}-hint`, hasError && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className={styles['field']}>
      <label htmlFor={id} className={labelHidden === true ? 'visually-hidden' : styles['label']}>
        {label}
      </label>
      {render({
        id,
        className: classes(styles['control']),
        'aria-describedby': described === '' ? undefined : described,
        'aria-invalid': hasError ? true : undefined,
      })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className={styles['hint']}>
          {hint}
        </p>
      )}
      {hasError && (
        <p id={`${id}-error`} className={styles['error']}>
          <Icon name="warning" />
          {error}
        </p>
      )}
    </div>
  );
}

export function TextField({
  label,
  hint,
  error,
  labelHidden,
  ...rest
}: FieldProps & InputHTMLAttributes<HTMLInputElement> & { readonly ref?: Ref<HTMLInputElement> }) {
  return (
    <Field
      {...{ label, hint, error, ...(labelHidden !== undefined && { labelHidden }) }}
      render={(wiring) => <input type="text" {...rest} {...wiring} />}
    />
  );
}

export function TextArea({
  label,
  hint,
  error,
  labelHidden,
  ...rest
}: FieldProps & TextareaHTMLAttributes<HTMLTextAreaElement> & { readonly ref?: Ref<HTMLTextAreaElement> }) {
  return (
    <Field
      {...{ label, hint, error, ...(labelHidden !== undefined && { labelHidden }) }}
      render={(wiring) => <textarea {...rest} {...wiring} />}
    />
  );
}

export function Select({
  label,
  hint,
  error,
  labelHidden,
  children,
  ...rest
}: FieldProps & SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <Field
      {...{ label, hint, error, ...(labelHidden !== undefined && { labelHidden }) }}
      render={(wiring) => (
        <select {...rest} {...wiring}>
          {children}
        </select>
      )}
    />
  );
}
