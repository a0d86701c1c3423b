-- Servers of a cluster as the one that is asked knows it. Input: cluster. Grain: replica, by shard.
SELECT shard_num, replica_num, host_name, port
FROM system.clusters
WHERE cluster = {cluster:String}
ORDER BY shard_num, replica_num
