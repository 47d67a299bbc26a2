# ruff: noqa: E501 -- lists of words read better unbroken
"""The words the advisor knows: what each factor sounds like in English and Japanese. Data, and its compilation.

A term's ``lean`` says which way it points when it is simply asserted of the proposal: +1 speaks for it, -1 against it,
0 only raises the factor. `reading` turns leans round where the sentence does ("without risk", コスト削減).
The figures are judgements of this project's authors, not measurements.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

EN_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?|\d[\d.,]*[a-z]{0,3}", re.IGNORECASE)
_PLAIN, _GRAVE = 0.6, 0.85
# Naming what is delicate (payments, patients, personal data) already calls for care.
_DELICATE = -0.15


def words(text: str) -> frozenset[str]:
    """Give the words of a list written as one text."""
    return frozenset(text.split())


class Factor(StrEnum):
    """What can bear on a decision."""

    COST = "cost"
    RISK = "risk"
    REVERSIBILITY = "reversibility"
    PEOPLE = "people"
    EVIDENCE = "evidence"
    URGENCY = "urgency"
    LAW = "law"
    OPPORTUNITY = "opportunity"
    COMPLEXITY = "complexity"
    SECURITY = "security"
    TRUST = "trust"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Effect:
    """What one term says about one factor. ``is_action`` marks the verb of a proposal; it counts in the proposal only."""

    factor: Factor
    lean: float
    is_action: bool = False


# For each factor: terms that speak for a proposal, against it, and those that only raise the matter. "!" marks the grave.
_EN: dict[Factor, tuple[str, str, str]] = {
    Factor.COST: (
        "save, saving, savings, cheap, cheaper, affordable, cost effective, profitable, profit, within budget, pay off, "
        "pays off, pays for itself, return on investment, economical",
        "cost, expensive, costly, pricey, overspend, over budget, debt, loan, expense, spending, waste, wasteful, "
        "unaffordable, licence fee, license fee, fee, loss, losses, overhead",
        "budget, price, money, salary, funding, invoice, cash, rent, tax, bill",
    ),
    Factor.RISK: (
        "safe, safer, safely, stable, stability, proven, reliable, reliability, fallback, backup, insurance, "
        "safeguard, tested plan",
        "risk, risky, danger, dangerous, outage, downtime, failure, fail, fragile, unstable, incident, accident, bug, "
        "crash, break, lose, hazard, unsafe, harm, injury, single point of failure, our only, the only, my only, sole",
        "billing, payment, payments, production, mission critical, critical, core system, surgery, children, safety, "
        "database",
    ),
    Factor.REVERSIBILITY: (
        "reversible, rollback, roll back, undo, pilot, trial, gradual, gradually, step by step, phased, in stages, "
        "temporary, temporarily, experiment, feature flag, opt out, cancel anytime, small scale, incremental, "
        "incrementally, side by side, prototype",
        "irreversible!, permanent, permanently, lock in, point of no return, one way door, all at once, big bang, "
        "cannot be undone!, can't be undone!, no way back, overnight, for good, lifetime, forever, burn bridges",
        "exit, contract, commitment, long term",
    ),
    Factor.PEOPLE: (
        "morale, wellbeing, well being, work life balance, flexible, flexibility, remote work, work from home, "
        "four day week, four day working week, day off, training, mentoring, fair, fairness, equal, equality, "
        "inclusive, inclusion, happier, health, healthier, accessible, accessibility, support, parental leave, "
        "pay rise, volunteer",
        "burnout, burn out, overtime, layoff, layoffs, redundancy, redundancies, job cuts, staff cuts, unfair, unequal, "
        "discrimination!, discriminate!, stress, overworked, turnover, attrition, resentment, suffer, exhausted, "
        "exploit, on call, return to office, back to the office, surveillance, understaffed",
        "people, team, employee, employees, staff, worker, workers, colleague, user, users, customer, customers, "
        "patient, patients, student, students, child, family, designer, engineer, engineers, developer, developers, "
        "community, resident, residents, citizen, citizens, teacher, teachers, parents",
    ),
    Factor.EVIDENCE: (
        "data, evidence, measured, measurement, benchmark, benchmarks, study, studies, survey, survey results, "
        "statistics, tested, ab test, a b test, metrics, case study, peer reviewed, research shows, we measured, "
        "proof, track record, pilot results, audit",
        "guess, rumour, rumor, untested, unproven, hype, hearsay, anecdote, anecdotal, gut feeling, hunch, unknown, "
        "unclear, uncertain, speculation, speculative, i heard, i feel, probably, maybe, no idea",
        "estimate, forecast, assumption, hypothesis, opinion",
    ),
    Factor.URGENCY: (
        "urgent, urgently, immediately, window of opportunity, before it is too late, end of life, expires, expiring, "
        "no longer supported, before competitors, falling behind, overdue, now or never",
        "rush, rushed, hasty, premature, too early, too soon, no hurry, can wait, not urgent, under pressure",
        "deadline, schedule, timeline, delay, time pressure, release date, due date",
    ),
    Factor.LAW: (
        "compliant, complies, legal, lawful, permitted, licensed, certified, required by law, mandated",
        "illegal!, unlawful!, lawsuit, sue, violate, violation, breach of contract, infringe, infringement, fined, fines, "
        "penalty, non compliant, liability, plagiarism, prosecution",
        "law, laws, regulation, regulations, regulator, gdpr, hipaa, compliance, licence, license, policy, contract law, "
        "copyright, patent, union, privacy law, legislation, ai act",
    ),
    Factor.OPPORTUNITY: (
        "grow, growth, revenue, opportunity, opportunities, innovate, innovation, innovative, faster, quicker, improve, "
        "improvement, productivity, productive, efficient, efficiency, competitive, advantage, new market, new markets, "
        "expand, expansion, performance, quality, better, learn, learning, creative, benefit, benefits, attract, "
        "scale up, automate, automation, modern, modernise, modernize, double, boost",
        "stagnate, stagnation, slower, worse, shrink, decline, obsolete, setback, distraction, distract",
        "market, sales, strategy, competitor, competitors, customers want, future",
    ),
    Factor.COMPLEXITY: (
        "simple, simpler, simplify, simplification, maintainable, standard, standardise, standardize, easy, easier, "
        "straightforward, consolidate, fewer moving parts, familiar, managed service",
        "complex, complexity, complicated, microservice, microservices, legacy, technical debt, tech debt, difficult, "
        "hard to, learning curve, custom, bespoke, dependency, dependencies, rewrite from scratch, unmaintained, "
        "kubernetes, distributed, steep, tangled",
        "maintenance, maintain, operations, integration, architecture, infrastructure, monolith, codebase, migration",
    ),
    Factor.SECURITY: (
        "improve security, secure, encrypt, encrypted, encryption, two factor, patched, audited, anonymised, anonymized, least privilege",
        "vulnerable, vulnerability, vulnerabilities, leak, leaks, data breach, breach, hack, hacked, hackers, insecure, "
        "attack, attackers, malware, ransomware, plaintext, exposed, expose, spyware, track users, phishing, "
        "sell user data!, sell customer data!",
        "security, privacy, personal data, customer data, user data, password, passwords, medical records, "
        "facial recognition, biometric, location data, credentials",
    ),
    Factor.TRUST: (
        "trusted, transparent, transparency, honest, honesty, loyal, loyalty, open source, apologise, apologize, "
        "apology, credibility, goodwill, disclose, credible, keep our promise",
        "scandal, backlash, mislead, misleading, dishonest!, secretly!, complaint, complaints, lie, hide, conceal, "
        "broken promise, boycott, embarrassing, angry, greenwashing, without telling!, fake",
        "trust, reputation, brand, image, public opinion, press, promise",
    ),
    Factor.ENVIRONMENT: (
        "sustainable, sustainability, renewable, solar, recycle, recycling, reusable, energy saving, low carbon, "
        "carbon neutral, biodegradable, public transport, cycling, trees, green energy, bicycle, heat pump",
        "pollution, pollute, emissions, carbon footprint, landfill, deforestation, toxic, coal, diesel, plastic, "
        "single use, fossil fuel, fossil fuels, noise",
        "climate, environment, environmental, energy, carbon, electricity, biodiversity, nature, cars, flights",
    ),
}

_JA: dict[Factor, tuple[str, str, str]] = {
    Factor.COST: (
        "節約 コスト削減 経費削減 費用対効果 安い 安く 安価 黒字 利益 採算が取れ 採算が合 投資対効果 元が取れ 浮く 節減",
        "コスト 費用 高額 高価 赤字 出費 負債 借金 借入 割高 予算超過 無駄 損失 手数料 人件費 経費 値上げ 高すぎ 支出",
        "予算 価格 料金 お金 資金 給与 給料 年収 家賃 投資額 金額",
    ),
    Factor.RISK: (
        "安全 安定 実績のある 確実 堅牢 信頼性 バックアップ 保険 代替手段 冗長 無停止",
        "リスク 危険 障害 停止 失敗 事故 不安定 故障 トラブル 不具合 損なう 失う 失われ 壊れ 懸念 危な 怪我 単一障害点 唯一の 一人しか "
        "ダウンタイム",
        "決済 課金 請求システム 本番 基幹 勘定系 手術 子ども 子供 重要システム データベース",
    ),
    Factor.REVERSIBILITY: (
        "段階的 試験的 試行 試験導入 ロールバック 切り戻し 元に戻せ 可逆 小さく始め 一部で 限定的 仮に パイロット 期間限定 並行稼働 "
        "お試し 実験 トライアル プロトタイプ 少しずつ",
        "不可逆! 取り返しがつか! 元に戻せない 後戻りでき 戻れない 永久 一斉 一気に ロックイン 恒久 全面 完全に切り替え 一度に 二度と",
        "契約 長期 撤退条件 解約条件",
    ),
    Factor.PEOPLE: (
        "働きやす 働き方改革 週休 休暇 育休 在宅 リモートワーク テレワーク フレックス 健康 公平 平等 研修 育成 士気 やりがい "
        "ワークライフバランス 幸福 支援 福利厚生 昇給 賃上げ 多様性 満足度 バリアフリー 休み 負担軽減",
        "残業 過労 離職 退職者 リストラ 人員削減 不公平 差別! 燃え尽き ストレス 疲弊 人手不足 負担 反発 不満 出社義務 強制 監視 "
        "苦しむ いじめ 長時間労働 夜勤 格差 転勤",
        "社員 従業員 チーム 利用者 ユーザー 顧客 お客様 患者 学生 生徒 住民 市民 家族 人材 デザイナー エンジニア 開発者 メンバー "
        "若手 職員 子育て 教員 担当者 保護者 高齢者 部下 同僚",
    ),
    Factor.EVIDENCE: (
        "データ 実測 計測 測定 検証済 調査結果 アンケート 統計 実証 根拠 論文 ベンチマーク 実験結果 事例 裏付け 監査 実績",
        "たぶん 多分 おそらく 気がする 噂 うわさ 未検証 不明 思い込み 勘 らしい かもしれない わからない 分からない 推測 憶測 不確実",
        "品質テスト 品質検査 品質保証 見積もり 仮説 前提 予測 見込み 意見",
    ),
    Factor.URGENCY: (
        "急務 緊急 至急 今すぐ 早急 期限切れ サポート終了 手遅れ 好機 出遅れ 先を越 間に合わ 今しかない",
        "拙速 時期尚早 急ぎすぎ 急がな 性急 まだ早い 見切り発車 突貫",
        "期限 締め切り 締切 納期 スケジュール 日程 遅延 リリース日",
    ),
    Factor.LAW: (
        "合法 適法 法令遵守 認証取得 義務付け 法で定め 許可済",
        "違法! 違反 訴訟 罰金 罰則 侵害 法的責任 賠償 脱法! 盗用 契約不履行 未許可",
        "法律 法令 規制 法改正 個人情報保護法 コンプライアンス 労働基準法 労基法 著作権 特許 条例 ライセンス 規約 就業規則 労働組合 GDPR",
    ),
    Factor.OPPORTUNITY: (
        "成長 売上 収益 機会 革新 イノベーション 速く 高速化 迅速 改善 向上 生産性 効率 競争力 優位 新市場 新規事業 拡大 品質 学べ "
        "魅力 自動化 刷新 可能性 メリット 強化 活性化 便利 業務改善 創造 伸ば 伸び 採用力 集客",
        "停滞 低下 悪化 衰退 陳腐化 時代遅れ 後退 縮小 先細り 遅くな",
        "市場 戦略 競合 将来 販売 需要",
    ),
    Factor.COMPLEXITY: (
        "簡単 単純 シンプル 簡素 標準化 統一 一本化 容易 保守しやす 慣れた マネージドサービス 一元化",
        "複雑 マイクロサービス 難し 技術的負債 レガシー 属人 学習コスト 依存関係 煩雑 手間 独自仕様 自前 二重管理 分散 面倒 老朽 "
        "Kubernetes",
        "保守 運用 連携 統合 アーキテクチャ インフラ モノリス 基盤 工数 体制",
    ),
    Factor.SECURITY: (
        "セキュリティ強化 セキュリティ向上 セキュリティ対策 暗号化 二要素認証 多要素認証 匿名化 安全性の高い アクセス制限 最小権限",
        "漏洩 漏えい 流出 脆弱 不正アクセス 攻撃 ハッキング ランサムウェア マルウェア 盗まれ のぞき 無断で! 平文 位置追跡",
        "セキュリティ プライバシー 個人情報 顧客情報 顧客データ パスワード 機密 医療記録 顔認証 生体認証 認証情報 位置情報",
    ),
    Factor.TRUST: (
        "透明性 誠実 正直 信頼され 信頼を得 公開する 説明責任 謝罪 約束を守 オープンソース 信用を得",
        "炎上 不信 隠! 嘘 ごまか 不祥事 批判 クレーム 苦情 裏切 偽 ステマ 反感 黙って! 騙!",
        "信頼 信用 評判 ブランド 世論 イメージ 約束 広報",
    ),
    Factor.ENVIRONMENT: (
        "再生可能エネルギー 再エネ 太陽光 リサイクル 省エネ 脱炭素 持続可能 公共交通 自転車 植樹 緑化 再利用 ペーパーレス",
        "汚染 排出 ごみ ゴミ 廃棄 使い捨て プラスチック 石炭 伐採 騒音 化石燃料 公害",
        "環境 気候 電力 エネルギー 温暖化 CO2 自然 生態系 自動車",
    ),
}

# Verbs of a proposal and what such an act brings with it on general grounds, whatever its object.
_ACTIONS: tuple[tuple[str, str, dict[Factor, float]], ...] = (
    (
        "move, migrate, port, switch, transition, replace, convert, relocate, merge",
        "移行 移転 切り替え 乗り換え 置き換え 移す 転換 移管 引っ越 刷新す 合併",
        {Factor.RISK: -0.4, Factor.REVERSIBILITY: -0.25, Factor.COST: -0.2, Factor.OPPORTUNITY: 0.45},
    ),
    (
        "rewrite, rebuild, redesign, refactor, build",
        "書き換え 書き直 作り直 再構築 内製 構築 開発す",
        {Factor.COST: -0.35, Factor.RISK: -0.3, Factor.COMPLEXITY: -0.2, Factor.OPPORTUNITY: 0.45},
    ),
    (
        "adopt, introduce, implement, deploy, use, install, start, begin, create, open, offer, launch, release, publish, "
        "try, join, enable, let, allow, make, give, provide, add",
        "導入 採用す 採用し 取り入れ 始め 開始 開設 提供 公開 リリース 発売 新設 実施 使う 使用 利用す 認め 許可 解禁 参加 設置 活用 試す",
        {Factor.OPPORTUNITY: 0.5, Factor.COST: -0.2, Factor.COMPLEXITY: -0.15},
    ),
    (
        "fire, dismiss, lay off, laid off, make redundant, sack, demote, outsource",
        "解雇 クビ 首に 雇い止め 降格 外注 アウトソース",
        {Factor.PEOPLE: -0.8, Factor.REVERSIBILITY: -0.5, Factor.TRUST: -0.35},
    ),
    (
        "hire, recruit, employ, promote",
        "雇う 雇用 採用 増員 昇進 登用",
        {Factor.PEOPLE: 0.5, Factor.OPPORTUNITY: 0.4, Factor.COST: -0.45},
    ),
    (
        "buy, purchase, acquire, invest, spend, fund, pay, subscribe, lease",
        "購入 買う 買収 投資 出資 契約す 支払 発注 購買",
        {Factor.COST: -0.5, Factor.OPPORTUNITY: 0.5, Factor.REVERSIBILITY: -0.15},
    ),
    (
        "sell, divest",
        "売却 売る 手放",
        {Factor.COST: 0.4, Factor.REVERSIBILITY: -0.5},
    ),
    (
        "delete, erase, destroy, demolish, shut down, kill, wipe",
        "削除 消去 破棄 取り壊 解体 閉鎖 廃校",
        {Factor.REVERSIBILITY: -0.7, Factor.RISK: -0.3, Factor.COMPLEXITY: 0.25},
    ),
    (
        "stop, quit, end, cancel, abandon, discontinue, drop, remove, close, scrap, abolish, retire, get rid of, leave, "
        "withdraw, phase out",
        "やめ 辞め 止め 中止 廃止 撤退 終了 停止す 打ち切 解約 撤去 取りやめ",
        {Factor.COMPLEXITY: 0.25, Factor.REVERSIBILITY: -0.25},
    ),
    (
        "ban, forbid, prohibit, restrict, block, limit, force, require, mandate, oblige, enforce",
        "禁止 制限 義務化 強制す 規制す 義務づけ 必須に",
        {Factor.PEOPLE: -0.35, Factor.RISK: 0.3},
    ),
    (
        "postpone, delay, wait, pause, defer, keep, stay, retain, continue",
        "延期 先送り 待つ 見送 保留 継続 維持 続け 現状維持",
        {Factor.RISK: 0.35, Factor.REVERSIBILITY: 0.35, Factor.OPPORTUNITY: -0.3},
    ),
    (
        "raise prices, raise our prices, raise the price, charge, increase prices",
        "値上げす 有料化 課金す 料金を上げ",
        {Factor.COST: 0.5, Factor.TRUST: -0.4, Factor.PEOPLE: -0.2},
    ),
    (
        "share, open source, disclose, apologise, apologize",
        "共有 開示 公表 謝罪す",
        {Factor.TRUST: 0.5, Factor.OPPORTUNITY: 0.25, Factor.SECURITY: -0.2, Factor.REVERSIBILITY: -0.2},
    ),
    (
        "delegate, entrust, rely on, hand over",
        "任せ 委ね 委任 頼る 代替させ",
        {Factor.RISK: -0.4, Factor.TRUST: -0.3, Factor.OPPORTUNITY: 0.4},
    ),
    (
        "change, rename, reorganise, reorganize, restructure, split, reform",
        "変更 変え 改名 改革 再編 分割 見直",
        {Factor.OPPORTUNITY: 0.35, Factor.RISK: -0.25, Factor.COMPLEXITY: -0.2},
    ),
    (
        "expand, extend, increase, double, accelerate",
        "拡張 拡充 増や 延長 広げ 進出",
        {Factor.OPPORTUNITY: 0.5, Factor.COST: -0.35},
    ),
    (
        "ship, skip, bypass, ignore, rush",
        "出荷 省略 省く 無視 飛ばす",
        {Factor.RISK: -0.4, Factor.OPPORTUNITY: 0.25},
    ),
)

# Words that contain a term and mean something else. They win by being longer.
_JA_DECOYS = (
    "アスタリスク 環境変数 開発環境 環境構築 データベース名 保険証 安全保障 勘定 勘案 勘違い すばらしい 素晴らしい 可愛らしい あたらしい "
    "新しい らしさ 分散投資 メモリリーク 機会学習 失礼 偽りなく 会社員 隠し味 データセンター 目指す 人工 始めまして 難しくない 停止線 "
    "仕事量 使う人 最近 契約書式 確認 認識 認可 法人 変わら 変数"
)
_EN_DECOYS = (
    "fire drill, fire alarm, data type, data centre, data center, cost centre, fine tune, fine tuning, make sense, "
    "make sure, let me, let us, use case, keep in mind, at risk of repeating, training data, no problem, start up, "
    "in the end, weekend, free time, just in case, good morning, give up"
)


def _inflected(word: str) -> Iterator[str]:
    """Give the regular forms of an English word; forms that do not exist do no harm."""
    yield word
    stem = word[:-1] if word.endswith("e") else word
    yield from (word + "s", stem + "ed", stem + "ing")
    if word.endswith(("s", "x", "ch", "sh")):
        yield word + "es"
    if word.endswith("y"):
        yield from (word[:-1] + "ies", word[:-1] + "ied")
    if re.fullmatch(r"[a-z]*[^aeiou][aeiou][bdgmnpt]", word):
        yield from (word + word[-1] + "ed", word + word[-1] + "ing")


def _phrases(terms: str) -> Iterator[str]:
    for term in filter(None, (term.strip() for term in terms.split(","))):
        first, *rest = term.rstrip("!").split()
        mark = "!" if term.endswith("!") else ""
        for form in _inflected(first):
            yield " ".join((form, *rest)) + mark


def _graded(table: Mapping[Factor, tuple[str, str, str]]) -> Iterator[tuple[str, Effect]]:
    for factor, (good, bad, bare) in table.items():
        delicate = _DELICATE if factor in {Factor.RISK, Factor.SECURITY} else 0.0
        for terms, lean in ((good, _PLAIN), (bad, -_PLAIN), (bare, delicate)):
            yield terms, Effect(factor, lean)


def _compiled(*, is_english: bool) -> dict[str, tuple[Effect, ...]]:
    table, decoys = (_EN, _EN_DECOYS) if is_english else (_JA, _JA_DECOYS)
    split = _phrases if is_english else str.split
    compiled: dict[str, tuple[Effect, ...]] = dict.fromkeys(split(decoys), ())

    def enter(terms: str, effects: Iterable[Effect]) -> None:
        for term in split(terms):
            present = compiled.get(term.rstrip("!"), ())
            for effect in effects:
                if not any((known.factor, known.is_action) == (effect.factor, effect.is_action) for known in present):
                    present = (*present, replace(effect, lean=-_GRAVE) if term.endswith("!") else effect)
            compiled[term.rstrip("!")] = present

    for terms, effect in _graded(table):
        enter(terms, (effect,))
    for english, japanese, profile in _ACTIONS:
        enter(
            english if is_english else japanese,
            [Effect(factor, lean, is_action=True) for factor, lean in profile.items()],
        )
    return compiled


ENGLISH: Mapping[str, tuple[Effect, ...]] = _compiled(is_english=True)
JAPANESE: Mapping[str, tuple[Effect, ...]] = _compiled(is_english=False)
EN_LONGEST = max(len(phrase.split()) for phrase in ENGLISH)


def _by_first_character() -> dict[str, tuple[str, ...]]:
    index: dict[str, list[str]] = {}
    for term in sorted(JAPANESE, key=len, reverse=True):
        index.setdefault(term[0], []).append(term)
    return {first: tuple(terms) for first, terms in index.items()}


JA_INDEX: Mapping[str, tuple[str, ...]] = _by_first_character()
"""Japanese terms by their first character, the longest first."""
