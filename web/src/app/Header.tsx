import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'wouter';
import { LANGUAGES, speak, type Language } from '@/i18n/language';
import type { Backend } from '@/live/backend';
import type { Session } from '@/transport/signin';
import { Button, IconButton } from '@/ui/Button';
import { Icon } from '@/ui/Icon';
import { paths } from '@/ui/paths';
import { useToast } from '@/ui/Toasts';
import styles from './Header.module.css';
import { useTheme } from './theme';

interface HeaderProps {
  readonly backends: readonly Backend[];
  readonly backend: Backend;
  readonly onBackend: (key: string) => void;
  readonly session: Session | null;
}

/** A language's own name, which its speakers find whatever the page speaks. */
const NAMES: Record<Language, string> = { en: 'English', ja: '日本語' };

export function Header({ backends, backend, onBackend, session }: HeaderProps) {
  const { t, i18n } = useTranslation('common');
  const [theme, setTheme] = useTheme();
  const showToast = useToast();
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <header className={styles['header']}>
      <div className={styles['row']}>
        <Link href={paths.ask} className={styles['brand']}>
          <span className={styles['sign']} aria-hidden="true">
            <Icon name="caspar" />
            <Icon name="balthasar" />
            <Icon name="melchior" />
          </span>
          {t('product')}
        </Link>
        <nav aria-label={t('nav.label')} className={styles['nav']}>
          <PageLink href={paths.ask}>{t('nav.ask')}</PageLink>
          <PageLink href={paths.history}>{t('nav.history')}</PageLink>
          <PageLink href={paths.councils}>{t('nav.councils')}</PageLink>
        </nav>
        <div className={styles['settings']}>
          {backends.length > 1 && (
            <select
              aria-label={t('header.backend')}
              className={styles['select']}
              value={backend.key}
              onChange={(event) => onBackend(event.target.value)}
            >
              {backends.map((choice) => (
                <option key={choice.key} value={choice.key}>
                  {choice.name}
                </option>
              ))}
            </select>
          )}
          <select
            aria-label={t('header.language')}
            className={styles['select']}
            value={i18n.language}
            onChange={(event) => {
              speak(event.target.value as Language, true).catch(() => showToast({ text: t('header.languageFailed') }));
            }}
          >
            {LANGUAGES.map((language) => (
              <option key={language} value={language} lang={language}>
                {NAMES[language]}
              </option>
            ))}
          </select>
          <IconButton
            icon={theme === 'dark' ? 'sun' : 'moon'}
            label={t(other === 'light' ? 'header.toLight' : 'header.toDark')}
            onClick={() => setTheme(other)}
          />
          {session !== null && (
            <Button
              kind="quiet"
              title={t('header.signedIn', { name: session.name })}
              onClick={() => void session.signOut()}
            >
              {t('header.signOut')}
            </Button>
          )}
        </div>
      </div>
    </header>
  );
}

function PageLink({ href, children }: { readonly href: string; readonly children: string }) {
  const [path] = useLocation();
  return (
    <Link href={href} className={styles['link']} aria-current={path === href ? 'page' : undefined}>
      {children}
    </Link>
  );
}
