export function HistoryPage() {
  return <h1>history</h1>;
}
