"""What the command says in words, in English and in Japanese. Codes and JSON are the same in both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from magisystem.models.embedded import NOTE as EMBEDDED_NOTE
from magisystem.protocol.values import Decision, LaneStatus

# Kana tell Japanese for certain. A question of ideographs alone could be Chinese; it is taken for Japanese, because the
# other choice would be English.
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f]")


@dataclass(frozen=True, slots=True)
class Words:
    """One language's catalogue. Every text with braces names what is put there."""

    decisions: Mapping[Decision, str]
    statuses: Mapping[LaneStatus, str]
    causes: Mapping[str, str]
    notes: Mapping[str, str]
    question: str
    waiting: str
    waiting_for_sages: str
    speaking: str
    thinking: str
    throttled: str
    unfinished: str
    again: str
    characters_per_s: str
    tokens: str
    seconds: str
    confidence: str
    vote: str
    verdict: str
    no_verdict: str
    ruling: str
    answer: str
    undecided: str
    scores: str
    summary: str
    recommendation: str
    reasoning: str
    tally: str
    tally_line: str
    note: str
    warning: str
    degraded: str
    inconclusive: str
    overturned: str
    no_judge: str
    missing: str
    cancelled: str
    failed: str
    incomplete: str
    stop_hint: str
    stopping: str
    watch_hint: str
    watching_ended: str
    goes_on: str
    ended_before: str
    replay_hint: str
    replay_stopped: str
    not_ended: str
    agent: str
    score: str
    no_vote: str
    record: str
    deliberation: str
    session: str
    council: str
    rule: str
    models: str
    began: str
    duration: str
    usage: str
    used: str
    cost: str

    def cause(self, code: str) -> str:
        """Give a cause in words, its code beside it; the code alone where there are no words for it."""
        words = self.causes.get(code)
        return f"{words} ({code})" if words else code


ENGLISH = Words(
    decisions={Decision.APPROVED: "APPROVED", Decision.REJECTED: "REJECTED", Decision.ABSTAINED: "ABSTAINED"},
    statuses={
        LaneStatus.VOTED: "has voted",
        LaneStatus.RULED: "has ruled",
        LaneStatus.ANSWERED: "has answered",
        LaneStatus.ABSTAINED: "without a vote",
        LaneStatus.FAILED: "failed",
        LaneStatus.CANCELLED: "stopped",
    },
    causes={
        "vote_missing": "no vote was cast",
        "vote_unreadable": "the vote could not be read",
        "quorum_missed": "too few votes to rule on",
        "deliberation_late": "the deliberation's time was up",
        "interrupted": "the server stopped",
        "internal": "a fault of the system",
        "model_throttled": "the provider asked for patience for too long",
        "model_denied": "the provider refuses the credentials",
        "model_not_found": "the provider has no such model",
        "model_rejected": "the provider refused the request",
        "model_overloaded": "the provider failed on its side",
        "model_unreachable": "no connection to the provider",
        "model_stream_cut": "the answer broke off",
        "model_frame_cut": "the answer broke off",
        "model_frame_corrupt": "the answer came damaged",
        "model_silent": "no word came for too long",
        "model_late": "its time was up",
        "model_exhausted": "the output limit cut the answer off",
        "model_withheld": "the provider's filter stopped the answer",
        "model_failed": "the model failed",
    },
    notes={},
    question="Question",
    waiting="waiting",
    waiting_for_sages="waits for the sages",
    speaking="speaking",
    thinking="thinking",
    throttled="waits for its provider",
    unfinished="unfinished",
    again="attempt {attempt}: {reason}",
    characters_per_s="{n} chars/s",
    tokens="{n} tokens",
    seconds="{s} s",
    confidence="confidence {percent}",
    vote="vote",
    verdict="Verdict",
    no_verdict="No verdict",
    ruling="The judge ruled",
    answer="Answer",
    undecided="INCONCLUSIVE",
    scores="Scores",
    summary="Summary",
    recommendation="Recommendation",
    reasoning="Reasoning",
    tally="Votes",
    tally_line="{approved} approved, {rejected} rejected, {abstained} abstained, {failed} failed",
    note="Note",
    warning="Warning",
    degraded="Degraded: {valid} of {expected} sages voted.",
    inconclusive="Inconclusive: nothing was decided.",
    overturned="Overturned: the judge ruled against the majority of the sages.",
    no_judge="No judge ruled: the sages' majority stands.",
    missing="{name}: {cause}.",
    cancelled="Stopped before the end.",
    failed="Failed: {message} ({code})",
    incomplete="Incomplete: the end of the deliberation did not arrive.",
    stop_hint="Ctrl+C stops",
    stopping="stopping …",
    watch_hint="Ctrl+C stops watching; the deliberation goes on",
    watching_ended="Watching ended before the deliberation did.",
    goes_on="The deliberation goes on.\n  watch it again: {watch}\n  stop it: {cancel}",
    ended_before="It had ended already; nothing was stopped.",
    replay_hint="Replay {pace}, no pause over {cap} s; Ctrl+C stops",
    replay_stopped="The replay was stopped before its end.",
    not_ended="Not ended: this is what the log holds so far.",
    agent="Agent",
    score="Score",
    no_vote="none",
    record="Record",
    deliberation="Deliberation",
    session="Session",
    council="Council",
    rule="rule",
    models="Models",
    began="Began",
    duration="Duration",
    usage="Usage",
    used="{input} tokens in, {output} out",
    cost="Cost",
)

JAPANESE = Words(
    decisions={Decision.APPROVED: "承認", Decision.REJECTED: "否決", Decision.ABSTAINED: "棄権"},
    statuses={
        LaneStatus.VOTED: "投票済み",
        LaneStatus.RULED: "裁定済み",
        LaneStatus.ANSWERED: "回答済み",
        LaneStatus.ABSTAINED: "票なし",
        LaneStatus.FAILED: "失敗",
        LaneStatus.CANCELLED: "中止",
    },
    causes={
        "vote_missing": "投票がありませんでした",
        "vote_unreadable": "投票を読み取れませんでした",
        "quorum_missed": "裁定に必要な票が足りませんでした",
        "deliberation_late": "審議の制限時間を過ぎました",
        "interrupted": "サーバーが停止しました",
        "internal": "システムの不具合です",
        "model_throttled": "提供元の混雑による待機が長引きました",
        "model_denied": "提供元が認証情報を拒否しました",
        "model_not_found": "提供元にそのモデルがありません",
        "model_rejected": "提供元が要求を拒否しました",
        "model_overloaded": "提供元で障害が起きました",
        "model_unreachable": "提供元に接続できません",
        "model_stream_cut": "応答が途中で切れました",
        "model_frame_cut": "応答が途中で切れました",
        "model_frame_corrupt": "応答が壊れていました",
        "model_silent": "応答が長く途絶えました",
        "model_late": "制限時間を過ぎました",
        "model_exhausted": "出力の上限に達しました",
        "model_withheld": "提供元のフィルターが応答を止めました",
        "model_failed": "モデルが失敗しました",
    },
    notes={EMBEDDED_NOTE: "規則に基づく助言で、言語モデルではありません"},
    question="質問",
    waiting="待機中",
    waiting_for_sages="賢者の投票を待っています",
    speaking="発言中",
    thinking="思考中",
    throttled="提供元の応答待ち",
    unfinished="未完",
    again="{attempt}回目: {reason}",
    characters_per_s="{n}字/秒",
    tokens="{n}トークン",
    seconds="{s}秒",
    confidence="確信度 {percent}",
    vote="投票",
    verdict="裁定",
    no_verdict="裁定なし",
    ruling="審判の判断",
    answer="回答",
    undecided="結論なし",
    scores="評点",
    summary="要旨",
    recommendation="勧告",
    reasoning="理由",
    tally="票",
    tally_line="承認 {approved}、否決 {rejected}、棄権 {abstained}、失敗 {failed}",
    note="注記",
    warning="注意",
    degraded="一部欠落: 賢者{expected}名のうち{valid}名が投票しました。",
    inconclusive="結論なし: 何も決まりませんでした。",
    overturned="覆り: 審判は賢者の多数と異なる判断をしました。",
    no_judge="審判の判断がないため、賢者の多数決によります。",
    missing="{name}: {cause}。",
    cancelled="途中で中止しました。",
    failed="失敗: {message} ({code})",
    incomplete="未完: 審議の終わりを受け取れませんでした。",
    stop_hint="Ctrl+C で中止",
    stopping="中止しています…",
    watch_hint="Ctrl+C で表示を終了（審議は続きます）",
    watching_ended="審議が終わる前に表示を終了しました。",
    goes_on="審議は続いています。\n  再び見る: {watch}\n  中止する: {cancel}",
    ended_before="すでに終わっていたため、中止するものはありませんでした。",
    replay_hint="再生 {pace}（間は最長{cap}秒）、Ctrl+C で終了",
    replay_stopped="再生を途中で終了しました。",
    not_ended="審議中: ここまでの記録です。",
    agent="エージェント",
    score="評点",
    no_vote="なし",
    record="記録",
    deliberation="審議",
    session="セッション",
    council="評議会",
    rule="規則",
    models="モデル",
    began="開始",
    duration="所要時間",
    usage="使用量",
    used="入力{input}トークン、出力{output}トークン",
    cost="費用",
)


def words_for(question: str, language: str | None) -> Words:
    """Give the catalogue for a question: of the language asked for, else of the question's own."""
    if language is not None:
        return JAPANESE if language == "ja" else ENGLISH
    return JAPANESE if _JAPANESE.search(question) else ENGLISH
