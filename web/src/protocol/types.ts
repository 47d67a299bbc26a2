/** The words of `magi.v1` and of the server's requests, under the names the code uses. Generated: schema.gen.ts. */
import type { AgentRequest as RawAgentRequest, components } from './schema.gen';

type Schemas = components['schemas'];

export type MagiEvent = Schemas['Event'];
export type EventType = MagiEvent['type'];
export type Start = Schemas['Start'];
export type AgentStart = Schemas['AgentStart'];
export type AgentComplete = Schemas['AgentComplete'];
export type VoteCast = Schemas['VoteCast'];
export type VerdictGiven = Schemas['VerdictGiven'];
export type Complete = Schemas['Complete'];
export type Cancelled = Schemas['Cancelled'];
export type Failed = Schemas['Failed'];
export type Trace = Schemas['Trace'];
export type Score = Schemas['Score'];
export type Usage = Schemas['Usage'];
export type Tally = Schemas['Tally'];
export type Authority = Schemas['Authority'];
export type AgentCard = Schemas['AgentCard'];
export type Decision = Schemas['Decision'];
export type Outcome = Schemas['Outcome'];
export type Mode = Schemas['Mode'];
export type Rule = Schemas['Rule'];
export type Role = Schemas['Role'];
export type LaneStatus = Schemas['LaneStatus'];
export type LaneState = Schemas['LaneState'];
export type DeliberationState = Schemas['DeliberationState'];
export type HistoryItem = Schemas['HistoryItem'];
export type HistoryPage = Schemas['HistoryPage'];
export type SessionTurns = Schemas['SessionTurns'];
export type CouncilRequest = Schemas['CouncilRequest'];
export type SeatRequest = Schemas['SeatRequest'];
export type AgentRequest = RawAgentRequest;
export type StartRequest = Schemas['StartRequest'];
export type ProblemBody = Schemas['Problem'];
