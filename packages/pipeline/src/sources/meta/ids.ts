import { pickTexts, text } from '../../reading/fields.ts';
import type { Json } from '../../source.ts';

/**
 * Ids of the platform: numbers, also joined by "_" (posts, comments), ids of messages and calls, digests, and long tokens, which have digits
 * (groups, clicks on ads).
 */
export const idForm =
  /^(?:\d{1,40}(?:_\d{1,40}){0,2}|(?:wamid|wacid)\.[\w+/=-]{1,250}|(?:m_|mid\.)[\w$:.+/=-]{1,250}|(?=[^\d]{0,250}\d)[\w+/-]{16,250}={0,2})$/;

/**
 * Ids that contain the identifier of a person or the number of the business, so that everybody who reads them can decode it. Base64 of a frame
 * around the number or the business-scoped id: `wamid.` of messages and `wacid.` of calls, the same without the prefix (older receipts, in which the
 * digits are packed), and groups (`capi_group:<number>:…`). An Instagram message (`ig_dm_item:…`) contains the id of the conversation with the
 * person. A business-scoped id is a country, a dot and digits, with `ENT.` between them for the account above.
 */
export const personalIds =
  /(?:wamid|wacid)\.[\w+/=-]+|(?<![\w+/])(?:(?:HBg[A-Z]|ABEG|ABGG|gBEG|gBGG)[\w+/-]{8,}={0,2}|Y2FwaV9ncm91cD[\w+/-]{8,}={0,2}|aWdf[\w+/-]{16,}={0,2}|[A-Z]{2}\.(?:ENT\.)?(?=[A-Za-z]{0,20}\d)[A-Za-z0-9]{12,128}(?!\w))/g;

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
