import { sources } from '@tributary/pipeline/sources.ts';
import type { Language } from '@tributary/shared/api.ts';
import type { ErrorClass } from '@tributary/shared/errors.ts';
import { type Explanation, explainInEnglish } from './causes-english.ts';
import { explainInPortuguese } from './causes-portuguese.ts';

export interface Cluster {
  errorClass: string;
  sourceType: string;
  fieldPath: string | null;
  sourceEventType: string | null;
}

/** The likely cause of a cluster of dead letters, and what a person can do about it, in plain words. */
export function explain(cluster: Cluster, language: Language): Explanation {
  const source = sources.get(cluster.sourceType);
  const [secret] = source?.secrets ?? [];
  const words = { label: source?.label ?? cluster.sourceType, eventType: cluster.sourceEventType, fieldPath: cluster.fieldPath };
  if (language === 'pt-BR') {
    const translation = source?.portuguese;
    const named = (secret && translation?.secrets[secret.name]?.label) ?? 'segredo';
    const explanations = explainInPortuguese({ ...words, label: translation?.label ?? words.label, secret: named });
    return (
      explanations[cluster.errorClass as ErrorClass] ?? {
        cause: `Esta versão não conhece a classe de erro ${cluster.errorClass}.`,
        fix: 'Veja uma amostra e a mensagem dela.',
      }
    );
  }
  return (
    explainInEnglish({ ...words, secret: secret?.label.toLowerCase() ?? 'secret' })[cluster.errorClass as ErrorClass] ?? {
      cause: `This version does not know the error class ${cluster.errorClass}.`,
      fix: 'Look at a sample and its message.',
    }
  );
}
