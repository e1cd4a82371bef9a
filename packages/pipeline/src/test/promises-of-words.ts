import { expect } from 'vitest';
import { z } from 'zod';
import type { Source } from '../source.ts';
import type { Promised } from './proof-cases.ts';

interface JsonSchema {
  const?: unknown;
  description?: string;
  properties?: Record<string, JsonSchema>;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
}

/** The promises about texts: the steps, the secrets and the settings, in both languages. */
export function promisesOfWords(source: Source): Promised[] {
  const schema = () => z.toJSONSchema(source.config, { io: 'input' }) as JsonSchema;
  const { portuguese } = source;
  return [
    {
      title: 'tells a person how to set it up, with the URL to paste and at least one required secret',
      check() {
        expect(source.label.trim()).not.toBe('');
        expect(source.setup.length).toBeGreaterThan(1);
        expect(source.setup.join(' ')).toContain('{{url}}');
        expect(source.secrets.some((secret) => secret.required)).toBe(true);
        for (const { label, help } of source.secrets) for (const text of [label, help]) expect(text.trim()).not.toBe('');
        expect(new Set(source.samples.map((sample) => sample.name)).size).toBe(source.samples.length);
      },
    },
    {
      title: 'refuses settings that it does not know, and describes every one that it knows',
      check() {
        expect(source.config.safeParse({ ...source.exampleConfig, unknownSetting: 1 }).success).toBe(false);
        expect(source.config.safeParse(source.exampleConfig ?? {}).success).toBe(true);
        expect(settingsOf(schema()).filter(({ description }) => !description)).toEqual([]);
      },
    },
    {
      title: 'says in Portuguese everything that it says in English',
      check() {
        expect(portuguese.setup).toHaveLength(source.setup.length);
        for (const [step, text] of source.setup.entries()) {
          expect(portuguese.setup[step]).not.toBe(text);
          expect(portuguese.setup[step]?.includes('{{url}}')).toBe(text.includes('{{url}}'));
        }
        expect(Object.keys(portuguese.secrets).sort()).toEqual(source.secrets.map((secret) => secret.name).sort());
        for (const { name, help } of source.secrets) expect(portuguese.secrets[name]?.help).not.toBe(help);
        expect(Object.keys(portuguese.samples).sort()).toEqual(source.samples.map((sample) => sample.name).sort());
        const described = settingsOf(schema()).filter(({ description }) => description);
        expect(described.map(({ path }) => path).filter((path) => !portuguese.settings[path]?.help)).toEqual([]);
      },
    },
  ];
}

/** Every setting of a schema by its dotted path; one of several constants as `<path>=<value>`. */
function settingsOf(schema: JsonSchema, path = ''): { path: string; description: string | undefined }[] {
  const choices = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, setting]) => {
      const inner = path === '' ? key : `${path}.${key}`;
      const named = setting.const === undefined ? inner : `${inner}=${setting.const}`;
      return [{ path: named, description: setting.description }, ...settingsOf(setting, inner)];
    }),
    ...choices.flatMap((choice) => settingsOf(choice, path)),
  ];
}
