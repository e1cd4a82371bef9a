import { prove } from './prove.ts';

prove('processes');
