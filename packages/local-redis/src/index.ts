export { askRedis } from './ask-redis.ts';
export { type LocalRedis, type LocalRedisOptions, startLocalRedis } from './local-redis.ts';
export {
  type LocalRedisCluster,
  type LocalRedisClusterOptions,
  startLocalRedisCluster,
} from './local-redis-cluster.ts';
export {
  type LocalRedisSentinels,
  type LocalRedisSentinelsOptions,
  startLocalRedisSentinels,
} from './local-redis-sentinels.ts';
export { type RedisRelay, startRedisRelay } from './redis-relay.ts';
