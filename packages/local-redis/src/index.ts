export { type LocalRedis, type LocalRedisOptions, startLocalRedis } from './local-redis.ts';
export {
  type LocalRedisCluster,
  type LocalRedisClusterOptions,
  startLocalRedisCluster,
} from './local-redis-cluster.ts';
