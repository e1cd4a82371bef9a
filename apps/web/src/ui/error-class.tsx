import { Badge } from '@mantine/core';
import type { ErrorClass } from '@tributary/shared/errors.ts';
import { errorClasses } from '@tributary/shared/errors.ts';
import { defineTexts, useTexts } from '../lib/i18n.ts';

const texts = defineTexts('error-classes', {
  en: {
    INVALID_HOTTOK: 'Wrong secret',
    INVALID_SIGNATURE: 'Signature does not match',
    TIMESTAMP_OUT_OF_TOLERANCE: 'Signed too early or too late',
    INVALID_PAYLOAD: 'Body cannot be read',
    MISSING_FIELD: 'A field is missing',
    SCHEMA_DRIFT: 'Unknown shape',
    VALIDATION_FAIL: 'A value is impossible',
    PII_HASH_ERROR: 'Key of personal data unavailable',
    DUPLICATE_EVENT: 'Another body under the same id',
    OLDER_REVISION: 'Older than what is stored',
    CONSTRAINT_VIOLATION: 'Refused by the database',
    CONNECTION_ERROR: 'Target cannot be reached',
    SINK_TIMEOUT: 'Target did not answer in time',
    RATE_LIMITED: 'Target accepts fewer than arrive',
    CIRCUIT_OPEN: 'Target paused after failures',
    GONE: 'The delivery or its connection no longer exists',
    no: 'Retrying does not help',
    after_fix: 'A person can fix it',
    yes: 'Resolves with time',
  },
  'pt-BR': {
    INVALID_HOTTOK: 'Segredo errado',
    INVALID_SIGNATURE: 'Assinatura não confere',
    TIMESTAMP_OUT_OF_TOLERANCE: 'Assinado cedo ou tarde demais',
    INVALID_PAYLOAD: 'Corpo ilegível',
    MISSING_FIELD: 'Falta um campo',
    SCHEMA_DRIFT: 'Formato desconhecido',
    VALIDATION_FAIL: 'Um valor impossível',
    PII_HASH_ERROR: 'Chave de dados pessoais indisponível',
    DUPLICATE_EVENT: 'Outro conteúdo com o mesmo id',
    OLDER_REVISION: 'Mais antigo que o armazenado',
    CONSTRAINT_VIOLATION: 'Recusado pelo banco de dados',
    CONNECTION_ERROR: 'Destino inacessível',
    SINK_TIMEOUT: 'Destino não respondeu a tempo',
    RATE_LIMITED: 'Destino aceita menos do que chega',
    CIRCUIT_OPEN: 'Destino em pausa após falhas',
    GONE: 'A entrega ou a conexão não existe mais',
    no: 'Tentar de novo não ajuda',
    after_fix: 'Uma pessoa pode corrigir',
    yes: 'Resolve-se com o tempo',
  },
});

const isKnown = (name: string): name is ErrorClass => Object.hasOwn(errorClasses, name);
export const concernsSecret = (name: string) => isKnown(name) && errorClasses[name].quarantine;

/** An error class in plain words. */
export function useClassName() {
  const t = useTexts(texts);
  return (name: string) => (isKnown(name) ? t(name) : name);
}

/** The reason of a failed attempt in plain words: an error class, or that there is nothing left to run. */
export function useReasonName() {
  const t = useTexts(texts);
  return (name: string) => (isKnown(name) || name === 'GONE' ? t(name) : name);
}

/** Says what can make it succeed: nothing, a person, or time. */
export function RetryableBadge({ errorClass }: { errorClass: string }) {
  const t = useTexts(texts);
  const retryable = isKnown(errorClass) ? errorClasses[errorClass].retryable : 'no';
  return (
    <Badge variant="dot" size="sm" color={{ no: 'gray', after_fix: 'orange', yes: 'teal' }[retryable]} tt="none">
      {t(retryable)}
    </Badge>
  );
}
