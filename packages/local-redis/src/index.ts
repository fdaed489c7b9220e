export { type LocalRedis, type LocalRedisOptions, startLocalRedis } from './local-redis.ts';
