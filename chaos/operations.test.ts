import { prove } from './prove.ts';

prove('operations');
