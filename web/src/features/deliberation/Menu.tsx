import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { Button } from '@/ui/Button';
import { Icon, type IconName } from '@/ui/Icon';
import styles from './Menu.module.css';

interface MenuProps {
  readonly icon: IconName;
  readonly label: string;
  readonly items: readonly MenuItem[];
}

interface MenuItem {
  readonly icon: IconName;
  readonly label: string;
  readonly run: () => void;
}

/** A button that discloses a few more. It closes by Escape, by a press elsewhere, and when the focus leaves it. */
export function Menu({ icon, label, items }: MenuProps) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const pressed = ({ target }: PointerEvent) => {
      if (target instanceof Node && box.current?.contains(target) !== true) setOpen(false);
    };
    document.addEventListener('pointerdown', pressed);
    return () => document.removeEventListener('pointerdown', pressed);
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const leave = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !isOpen) return;
    event.stopPropagation();
    close();
  };
  return (
    <div
      ref={box}
      className={styles['menu']}
      onKeyDown={leave}
      onBlur={({ relatedTarget }) => {
        if (relatedTarget instanceof Node && box.current?.contains(relatedTarget) !== true) setOpen(false);
      }}
    >
      <Button
        ref={button}
        small
        icon={icon}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        {label}
        <Icon name="down" size="0.9em" />
      </Button>
      {isOpen && (
        <div id={id} className={styles['items']} role="group" aria-label={label}>
          {items.map((item) => (
            <Button
              key={item.label}
              kind="quiet"
              small
              icon={item.icon}
              className={styles['item']}
              onClick={() => {
                close();
                item.run();
              }}
            >
              {item.label}
            </Button>
          ))}
        </div>
      )}
    </div>
  );
}
