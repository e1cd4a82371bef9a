import type { FeatureTexts } from '../../lib/i18n.ts';
import type { AuditEntry } from './queries.ts';
import type { sentenceTexts } from './sentence-texts.ts';

type Key = typeof sentenceTexts extends FeatureTexts<infer K> ? K : never;
type Sentence = [key: Key, values?: Record<string, string>];

/** A changed column, as `private.audit` records it for an update. */
interface Change {
  from: unknown;
  to: unknown;
}

/**
 * The sentence of an entry without its subject: the key of a text and its values. `nameOf` names people, connections and projects; `wordOf`
 * translates roles, states and kinds.
 */
export function sentenceOf(
  { action, actorId, targetId, detail }: AuditEntry,
  nameOf: (id: string) => string,
  wordOf: (value: string) => string,
): Sentence {
  const target = targetId === null ? '' : nameOf(targetId);
  const said = (key: string) => asText(detail[key]);
  const word = (key: string) => wordOf(said(key));
  const change = (key: string) => (key in detail ? (detail[key] as Change) : undefined);
  const fromTo = (key: string, inWords = (value: string) => value) => ({
    from: inWords(asText(change(key)?.from)),
    to: inWords(asText(change(key)?.to)),
  });
  // The log itself has only a pseudonym of an invited person.
  const invited = target.includes('@') ? target : said('email');
  const fields = Object.keys(detail).join(', ');
  const byOneself = actorId !== null && actorId === targetId;
  switch (action) {
    case 'orgs.update': {
      if (fields === 'name') return ['orgRenamed', fromTo('name')];
      if (fields !== 'rate_limit_per_second') return ['orgChanged', { fields }];
      return [change('rate_limit_per_second')?.to === null ? 'orgUnlimited' : 'orgLimited', fromTo('rate_limit_per_second')];
    }
    case 'org_members.insert':
      return byOneself ? ['memberJoined', { role: word('role') }] : ['memberAdded', { target, role: word('role') }];
    case 'org_members.update':
      return ['memberRole', { target, ...fromTo('role', wordOf) }];
    case 'org_members.delete':
      return byOneself ? ['memberLeft'] : ['memberRemoved', { target }];
    case 'org_invites.insert':
      return ['invited', { email: invited, role: word('role') }];
    case 'org_invites.update':
      return change('accepted_at') ? ['inviteAccepted'] : ['inviteChanged', { target }];
    case 'org_invites.delete':
      return ['inviteWithdrawn', { email: invited }];
    case 'projects.insert':
      return ['projectAdded', { name: said('name') }];
    case 'projects.update':
      return ['projectRenamed', fromTo('name')];
    case 'source_connections.insert':
      return ['connectionAdded', { name: said('name'), type: said('type') }];
    case 'source_connections.update': {
      if (change('deleted_at')) return ['connectionDeleted', { target }];
      if (fields === 'is_active') return [change('is_active')?.to === true ? 'connectionResumed' : 'connectionPaused', { target }];
      return ['connectionChanged', { target, fields }];
    }
    case 'connection_secrets.insert':
      return ['secretSet', { name: said('name'), target }];
    case 'connection_secrets.update':
      return ['secretExpires', { name: said('name'), target }];
    case 'connection_secrets.delete':
      return ['secretErased', { name: said('name'), target }];
    case 'org_keys.insert':
      return ['keyMade', { version: said('version'), kind: word('kind') }];
    case 'org_keys.delete':
      return ['keyErased', { version: said('version'), kind: word('kind') }];
    case 'dlq_events.update':
      return change('status') ? ['deadLetterStatus', { target, ...fromTo('status', wordOf) }] : ['deadLetterChanged', { target, fields }];
    case 'dlq_operations.insert':
      return ['operationStarted', { kind: word('kind'), total: said('total') }];
    case 'dlq_operations.update':
      return ['operationEnded', { target, ...fromTo('status', wordOf) }];
    case 'dlq.full_sample':
      return ['samplesRead', { total: String(Array.isArray(detail.ids) ? detail.ids.length : 0) }];
    case 'event_journal.replay':
      return ['replayed', { target, mode: word('mode') }];
    case 'canonical_events.export':
      return ['eventsExported', { format: said('format').toUpperCase() }];
    case 'canonical_events.import':
      return ['eventsImported', { stored: said('stored'), restored: said('restored'), target }];
    case 'people.look_up':
      return ['personLookedUp'];
    case 'people.count':
      return ['personCounted'];
    case 'people.events':
      return ['personEventsRead'];
    case 'audit_log.export':
      return ['auditExported', { format: said('format').toUpperCase() }];
    case 'org_security.insert':
    case 'org_security.update':
      return ['securityChanged'];
    case 'approvals.insert':
      return ['approvalAsked', { kind: word('kind') }];
    case 'approvals.update':
      return ['approvalDecided', { target, ...fromTo('status', wordOf) }];
    case 'replay_plans.insert':
      return ['planMade', { name: said('name'), total: said('matched_count') }];
    case 'replay_plans.update':
      return ['planStep', { target, ...fromTo('status', wordOf) }];
    case 'legal_holds.insert':
      return ['holdPlaced', { reason: said('reason') }];
    case 'legal_holds.update':
      return ['holdReleased', { target }];
    case 'erasures.insert':
      return ['erasureAsked', { kinds: Array.isArray(detail.kinds) ? detail.kinds.map((kind) => wordOf(asText(kind))).join(', ') : '' }];
    case 'erasures.update':
      return ['erasureEnded', { target }];
    case 'retention_settings.insert':
      return ['retentionSet', { kind: word('kind'), days: said('keep_days') }];
    case 'retention_settings.update':
      return ['retentionSet', { kind: wordOf(asText(targetId)), days: asText(change('keep_days')?.to) }];
    case 'retention_settings.delete':
      return ['retentionReset', { kind: word('kind') }];
    case 'org_deletions.insert':
      return ['orgDeletionAsked'];
    case 'org_deletions.update':
      return ['orgDeletionBegun'];
    case 'org_deletions.delete':
      return ['orgDeletionCancelled'];
    case 'alert_rules.update':
      return ['ruleChanged', { target, fields }];
    case 'alert_channels.insert':
      return ['channelAdded', { name: said('name'), type: said('type') }];
    case 'alert_channels.update':
      return change('deleted_at') ? ['channelDeleted', { target }] : ['channelChanged', { target, fields }];
    case 'alert_channel_secrets.insert':
    case 'alert_channel_secrets.update':
    case 'alert_channel_secrets.delete':
      return ['channelSecret', { target }];
    case 'alert_incidents.update':
      return [change('resolved_by') ? 'incidentResolved' : 'incidentAcknowledged', { target }];
    default:
      return ['other', { action, target }];
  }
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
