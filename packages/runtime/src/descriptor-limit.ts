/**
 * How many files and sockets this process may have open at once (`ulimit -n`; Node has raised the soft limit to the hard one
 * already). Infinity where there is no limit, or the platform does not tell.
 */
export function readDescriptorLimit(): number {
  const { report } = process;
  // Looking up the names of all sockets' other ends may take seconds; Node's types do not know the switch.
  Object.assign(report, { excludeNetwork: true });
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const limit = userLimits?.open_files?.soft;
  return typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY;
}
