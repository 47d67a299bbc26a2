/** Another deliberation is read from its beginning; the focus goes with it. */
export function goToTop(): void {
  document.getElementById('content')?.focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
}
