export function CouncilsPage() {
  return <h1>councils</h1>;
}
