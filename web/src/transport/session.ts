/** The runtime session of this browser: what keeps one browser with one runtime of Amazon Bedrock AgentCore. */

/** Gives the id kept under that name, or makes one: at least 33 characters, as the platform asks for. */
export function runtimeSession(name: string): string {
  const key = `magi.runtime-session.${name}`;
  try {
    const kept = localStorage.getItem(key);
    if (kept !== null && kept.length >= 33) return kept;
    const made = newId();
    localStorage.setItem(key, made);
    return made;
  } catch {
    // Storage can be forbidden. The id then lasts as long as the page.
    return newId();
  }
}

// Not `crypto.randomUUID`, which is only there in secure contexts.
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return `web-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
