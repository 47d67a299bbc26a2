import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import styles from './Button.module.css';
import { classes } from './classes';
import { Icon, type IconName } from './Icon';

export type ButtonKind = 'primary' | 'plain' | 'quiet' | 'danger';

/** The class names of a button, for a link that looks like one. */
export function buttonClass(kind: ButtonKind = 'plain', isSmall = false): string {
  return classes(styles['button'], styles[kind], isSmall && styles['small']);
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly kind?: ButtonKind;
  readonly small?: boolean;
  readonly icon?: IconName;
  readonly children: ReactNode;
  readonly ref?: Ref<HTMLButtonElement>;
}

export function Button({ kind = 'plain', small = false, icon, children, className, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={classes(buttonClass(kind, small), className)}>
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonProps, 'children' | 'icon'> {
  readonly icon: IconName;
  /** What it does: its accessible name and its tooltip. */
  readonly label: string;
}

/** A button that shows a mark only. */
export function IconButton({ kind = 'quiet', small = false, icon, label, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={classes(buttonClass(kind, small), styles['icon'], className)}
    >
      <Icon name={icon} />
    </button>
  );
}
