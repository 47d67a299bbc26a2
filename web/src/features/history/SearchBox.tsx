import { useEffect, useEffectEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { TextField } from '@/ui/Field';
import { SEARCH_CHARS } from './filters';

/** Long enough not to ask at every letter, short enough not to be waited for. */
const PAUSE_MS = 300;

interface SearchBoxProps {
  readonly words: string;
  readonly onSearch: (words: string) => void;
}

/** Searches when the typing pauses, or at once by Enter; words still being composed (Japanese) are not searched for. */
export function SearchBox({ words, onSearch }: SearchBoxProps) {
  const { t } = useTranslation('history');
  const [text, setText] = useState(words);
  const [seen, setSeen] = useState(words);
  const [isComposing, setComposing] = useState(false);
  const search = useEffectEvent(onSearch);

  // The address was changed by something else: the way back, or the button that clears.
  if (words !== seen) {
    setSeen(words);
    if (words !== text.trim()) setText(words);
  }

  const wanted = text.trim();
  useEffect(() => {
    if (isComposing || wanted === words) return undefined;
    const timer = setTimeout(() => search(wanted), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [wanted, words, isComposing]);

  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted !== words) onSearch(wanted);
      }}
    >
      <TextField
        type="search"
        label={t('search.label')}
        placeholder={t('search.placeholder')}
        maxLength={SEARCH_CHARS}
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onCompositionStart={() => setComposing(true)}
        onCompositionEnd={() => setComposing(false)}
      />
    </form>
  );
}
