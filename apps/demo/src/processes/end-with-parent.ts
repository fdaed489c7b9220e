/**
 * Preloaded into each service the demo starts: when the process that started it is gone, also by SIGKILL, the service
 * stops as if it had been told to. The channel alone does not keep it running.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
