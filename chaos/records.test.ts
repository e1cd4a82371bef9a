import { prove } from './prove.ts';

prove('records');
