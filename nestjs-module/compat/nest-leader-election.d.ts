export * from '../dist/compat/nest-leader-election/index.js';
