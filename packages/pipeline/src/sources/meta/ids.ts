import { pickTexts, text } from '../../reading/fields.ts';
import type { Json } from '../../source.ts';

/**
 * Ids of the platform: numbers, also joined by "_" (posts, comments), ids of messages and calls, digests, and long tokens, which have digits
 * (groups, clicks on ads).
 */
export const idForm =
  /^(?:\d{1,40}(?:_\d{1,40}){0,2}|(?:wamid|wacid)\.[\w+/=-]{1,250}|(?:m_|mid\.)[\w$:.+/=-]{1,250}|(?=[^\d]{0,250}\d)[\w+/-]{16,250}={0,2})$/;

/** Starts inside no other id. */
const apart = String.raw`(?<![\w+/])`;

/** Ids that contain the identifier of a person or the number of a business, so that each reader could decode it. */
const personalForms = [
  // Base64 of a frame around the number or the business-scoped id, of messages and of calls.
  String.raw`(?:wamid|wacid)\.[\w+/=-]+`,
  // The same without its prefix, and the older form, in which the digits are packed.
  String.raw`${apart}(?:HBg[A-Z]|ABEG|ABGG|gBEG|gBGG)[\w+/-]{8,}={0,2}`,
  // Groups: base64 of "capi_group:", the number and an id. Older ones are the number of the maker, a hyphen and a time.
  String.raw`${apart}Y2FwaV9ncm91cD[\w+/-]{8,}={0,2}`,
  String.raw`(?<![\w-])\d{8,15}-1[3-9]\d{8}(?![\w-])`,
  // Messages of Instagram: base64 of "ig_dm_item:", the account, and the id of the conversation with the person.
  String.raw`${apart}aWdf[\w+/-]{16,}={0,2}`,
  // A business-scoped id: a country, a dot, "ENT." where it is that of the account above, and letters and digits.
  String.raw`${apart}[A-Z]{2}\.(?:ENT\.)?(?=[A-Za-z]{0,20}\d)[A-Za-z0-9]{12,128}(?!\w)`,
];
export const personalIds = new RegExp(personalForms.join('|'), 'g');

/** The id at a path; undefined where the text has not the form of an id, so that it may be anything. */
export function idAt(value: Json | undefined, path: string): string | undefined {
  const found = text(value, path);
  return found !== undefined && idForm.test(found) ? found : undefined;
}

/** Like {@link idAt}, for the first of several paths that has an id. */
export function firstId(value: Json | undefined, ...paths: string[]): string | undefined {
  for (const path of paths) {
    const found = idAt(value, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Campaign parameters, which are made without spaces: any other text is not one. */
export function campaignTexts(value: Json | undefined, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(pickTexts(value, names)).filter(([, found]) => !/\s/.test(found)));
}
