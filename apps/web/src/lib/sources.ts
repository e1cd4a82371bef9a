import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { SourceEntry } from '@tributary/shared/api.ts';
import { z } from 'zod';
import { api } from './api.ts';
import { type Language, useLanguage } from './i18n.ts';

/**
 * Every platform that the API knows, with its labels, steps, secrets, settings and samples. The dashboard itself contains nothing about a
 * single platform.
 */
const sourceCatalogue = (language: Language) =>
  queryOptions({
    queryKey: ['sources', language],
    staleTime: Number.POSITIVE_INFINITY,
    // Until the new language has arrived, the old one is shown: a form stays open with what was typed into it.
    placeholderData: keepPreviousData,
    queryFn: () => api(z.array(SourceEntry), 'GET', `/api/sources?language=${language}`),
  });

/** The catalogue in the reader's language. */
export const useSources = () => useQuery(sourceCatalogue(useLanguage()));
