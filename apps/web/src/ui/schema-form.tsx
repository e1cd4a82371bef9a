import { Fieldset, Select, Stack, Switch, TagsInput, TextInput } from '@mantine/core';
import { useTexts } from '../lib/i18n.ts';
import { NumberField } from './number-field.tsx';
import { uiTexts } from './texts.ts';

/** The part of JSON Schema (2020-12) that describes the settings of a source. */
export interface JsonSchema {
  title?: string;
  type?: string | undefined;
  properties?: Record<string, JsonSchema> | undefined;
  required?: readonly string[] | undefined;
  oneOf?: readonly JsonSchema[] | undefined;
  anyOf?: readonly JsonSchema[] | undefined;
  enum?: readonly (string | number)[] | undefined;
  const?: unknown;
  items?: JsonSchema | undefined;
  default?: unknown;
  description?: string | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  maxLength?: number | undefined;
}

type Values = Record<string, unknown>;

/** Makes a label of a property name: "Secret encoding" of `secretEncoding`. */
const labelOf = (key: string, schema?: JsonSchema) => {
  if (schema?.title) return schema.title;
  const words = key.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** Sets or, when the value is empty, removes a setting: an absent setting has its default. */
function withValue(values: Values, key: string, value: unknown): Values {
  const { [key]: _old, ...others } = values;
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0) ? others : { ...others, [key]: value };
}

/**
 * A form for settings, made from their JSON Schema. `errors` are keyed by dotted paths below `path`, as the API returns them. Fields that
 * were not touched are left out of `value`, so that the source's own defaults apply.
 */
export function SchemaForm({
  schema,
  value,
  onChange,
  errors,
  path,
}: {
  schema: JsonSchema;
  value: Values;
  onChange: (value: Values) => void;
  errors: Readonly<Record<string, string>>;
  path: string;
}) {
  return (
    <Stack gap="sm">
      {Object.entries(schema.properties ?? {}).map(([key, property]) => (
        <Field
          key={key}
          name={key}
          schema={property}
          required={schema.required?.includes(key) ?? false}
          value={value[key]}
          onChange={(next) => onChange(withValue(value, key, next))}
          errors={errors}
          path={`${path}.${key}`}
        />
      ))}
    </Stack>
  );
}

interface FieldProps {
  name: string;
  schema: JsonSchema;
  required: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
  errors: Readonly<Record<string, string>>;
  path: string;
}

function Field({ name, schema, required, value, onChange, errors, path }: FieldProps) {
  const label = labelOf(name, schema);
  const error = errors[path];
  const common = { label, description: schema.description, withAsterisk: required, ...(error ? { error } : {}) };
  const choices = schema.oneOf ?? schema.anyOf;
  if (schema.const !== undefined) return null;
  if (choices?.some((choice) => choice.type === 'object'))
    return <Choice {...{ name, schema, required, value, onChange, errors, path }} choices={choices} />;
  if (schema.enum) {
    return (
      <Select
        {...common}
        data={schema.enum.map(String)}
        value={value === undefined ? null : String(value)}
        placeholder={schema.default === undefined ? '' : String(schema.default)}
        clearable={!required}
        onChange={(next) => onChange(next ?? undefined)}
      />
    );
  }
  if (schema.type === 'boolean') {
    return (
      <Switch
        label={label}
        description={schema.description}
        checked={value === undefined ? schema.default === true : value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  if (schema.type === 'integer' || schema.type === 'number') {
    return (
      <NumberField
        {...common}
        value={typeof value === 'number' ? value : null}
        placeholder={schema.default === undefined ? '' : String(schema.default)}
        allowDecimal={schema.type === 'number'}
        {...(schema.minimum === undefined ? {} : { min: schema.minimum })}
        {...(schema.maximum === undefined ? {} : { max: schema.maximum })}
        onChange={(next) => onChange(next ?? undefined)}
      />
    );
  }
  if (schema.type === 'array') {
    return <TagsInput {...common} value={Array.isArray(value) ? value.map(String) : []} onChange={onChange} />;
  }
  if (schema.type === 'object') {
    return (
      <Fieldset legend={label}>
        <SchemaForm
          schema={schema}
          value={(value as Values | undefined) ?? {}}
          onChange={(next) => onChange(Object.keys(next).length > 0 ? next : undefined)}
          errors={errors}
          path={path}
        />
      </Fieldset>
    );
  }
  return (
    <TextInput
      {...common}
      value={typeof value === 'string' ? value : ''}
      placeholder={schema.default === undefined ? '' : String(schema.default)}
      {...(schema.maxLength === undefined ? {} : { maxLength: schema.maxLength })}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** A choice between several shapes, which differ in the property that is constant in each. */
function Choice({ name, schema, required, value, onChange, errors, path, choices }: FieldProps & { choices: readonly JsonSchema[] }) {
  const t = useTexts(uiTexts);
  const tag = Object.entries(choices[0]?.properties ?? {}).find(([, property]) => property.const !== undefined)?.[0];
  if (!tag) return null;
  const current = (value as Values | undefined) ?? {};
  const tagOf = (choice: JsonSchema) => String(choice.properties?.[tag]?.const);
  const chosen = choices.find((choice) => tagOf(choice) === current[tag]);
  const error = errors[path] ?? errors[`${path}.${tag}`];
  return (
    <Fieldset legend={labelOf(name, schema)}>
      <Stack gap="sm">
        <Select
          label={labelOf(tag, choices[0]?.properties?.[tag])}
          description={chosen?.properties?.[tag]?.description ?? schema.description}
          withAsterisk={required}
          placeholder={t('choose')}
          data={choices.map(tagOf)}
          value={chosen ? tagOf(chosen) : null}
          onChange={(next) => onChange(next === null ? undefined : { [tag]: next })}
          {...(error ? { error } : {})}
        />
        {chosen && (
          <SchemaForm
            schema={chosen}
            value={current}
            onChange={(next) => onChange({ ...next, [tag]: tagOf(chosen) })}
            errors={errors}
            path={path}
          />
        )}
      </Stack>
    </Fieldset>
  );
}
