import { prove } from './prove.ts';

prove('tenants');
