package warehouse

// engineConfigXML: all folders from which the engine takes files and programs of its users are below the working
// directory, which is gone by the time somebody can ask for one (confine).
const engineConfigXML = `<clickhouse>
  <users_config>{USERS}</users_config>
  <logger><level>error</level><log>{LOG}</log><size>10M</size><count>1</count></logger>
  <macros><start>{START}</start></macros>
  {MEMORY}
  {DAMAGED}
  <user_files_path>{NOWHERE}/files/</user_files_path>
  <user_scripts_path>{NOWHERE}/scripts/</user_scripts_path>
  <dictionaries_lib_path>{NOWHERE}/lib/</dictionaries_lib_path>
  <dynamic_user_defined_executable_functions_path>{NOWHERE}/functions/</dynamic_user_defined_executable_functions_path>
  <format_schema_path>{NOWHERE}/schemas/</format_schema_path>
  <google_protos_path>{NOWHERE}/protos/</google_protos_path>
  <backups><allowed_path>{BACKUPS}</allowed_path></backups>
  <top_level_domains_path>{NOWHERE}/domains/</top_level_domains_path>
</clickhouse>
`

// refuseDamagedXML: the engine would set a damaged part aside and go on without its rows. Everything is fsynced
// before it counts, so there is no such part after a kill or a power cut.
const refuseDamagedXML = `<merge_tree>
    <max_suspicious_broken_parts>0</max_suspicious_broken_parts>
    <max_suspicious_broken_parts_bytes>0</max_suspicious_broken_parts_bytes>
  </merge_tree>`

// engineUsersXML: the engine's own start-up session is the user "default" without a password, and no rule can tell it
// from other local clients. It begins before the port opens and lasts as long as the engine, and a second session of
// that user is refused, so nobody else can log in as it. What it may do is what hold_open.sql needs, and the limits
// hold should it ever be reached; max_concurrent_queries_for_user is used up by the query that holds the engine open.
//
// The user creditmill may do everything inside the engine, but has no right to a source outside of it: no READ or
// WRITE on files, addresses or programs, no engine for tables but those that keep their data in the warehouse, and no
// other disk for them. A database on another disk (CREATE DATABASE … SETTINGS disk) is what no right and no
// constraint of the engine forbids: that user's password is the owner's alone.
//
// The user backup copies the database to a folder that a command has linked into the warehouse for that time, and
// makes it from one (backup.go). The right to do so is the right to send it anywhere, for the engine asks
// nothing more before it talks to an object store; so nobody else has it, and no command hands its password on.
//
// The analyst may set limits and formats, but no setting that reaches through the views to the tables: a filter on a
// column that a view does not show would tell what is in it. Its limits can be lowered, not lifted: 0 would be none.
// The reader has the analyst's rights without the limits; this program asks as it, for exports and creditmill sql,
// and no command hands its password on. No user can have HTTP answers marked as open to web
// pages of other origins, or have rejected rows or a schema written to a file:
// those settings name one without looking up the working directory.
const engineUsersXML = `<clickhouse>
  <profiles>
    <default>
      <async_insert>0</async_insert>
      <constraints>
        <add_http_cors_header><const/></add_http_cors_header>
        <input_format_record_errors_file_path><const/></input_format_record_errors_file_path>
        <output_format_schema><const/></output_format_schema>
        <merge_tree_disk><const/></merge_tree_disk>
        <merge_tree_storage_policy><const/></merge_tree_storage_policy>
      </constraints>
    </default>
    <reader>
      <readonly>2</readonly>
      <constraints>
        <add_http_cors_header><const/></add_http_cors_header>
        <input_format_record_errors_file_path><const/></input_format_record_errors_file_path>
        <output_format_schema><const/></output_format_schema>
        <additional_table_filters><readonly/></additional_table_filters>
        <parallel_replicas_custom_key><readonly/></parallel_replicas_custom_key>
      </constraints>
    </reader>
    <analyst>
      <profile>reader</profile>
      <max_memory_usage>{ANALYST_MEMORY}</max_memory_usage>
      <max_memory_usage_for_user>{ANALYST_MEMORY_ALL}</max_memory_usage_for_user>
      <max_execution_time>{ANALYST_SECONDS}</max_execution_time>
      <max_result_rows>{ANALYST_ROWS}</max_result_rows>
      <max_result_bytes>{ANALYST_MEMORY}</max_result_bytes>
      <max_temporary_data_on_disk_size_for_query>{ANALYST_MEMORY}</max_temporary_data_on_disk_size_for_query>
      <max_temporary_data_on_disk_size_for_user>{ANALYST_MEMORY_ALL}</max_temporary_data_on_disk_size_for_user>
      <max_concurrent_queries_for_user>32</max_concurrent_queries_for_user>
      <constraints>
        <max_memory_usage><min>1</min><max>{ANALYST_MEMORY}</max></max_memory_usage>
        <max_memory_usage_for_user><const/></max_memory_usage_for_user>
        <max_execution_time><min>1</min><max>{ANALYST_SECONDS}</max></max_execution_time>
        <max_result_rows><min>1</min><max>{ANALYST_ROWS}</max></max_result_rows>
        <max_result_bytes><min>1</min><max>{ANALYST_MEMORY}</max></max_result_bytes>
        <max_temporary_data_on_disk_size_for_query><const/></max_temporary_data_on_disk_size_for_query>
        <max_temporary_data_on_disk_size_for_user><const/></max_temporary_data_on_disk_size_for_user>
        <max_concurrent_queries_for_user><const/></max_concurrent_queries_for_user>
      </constraints>
    </analyst>
    <powerless>
      <max_memory_usage>10000000</max_memory_usage>
      <max_result_rows>1</max_result_rows>
      <max_result_bytes>1000</max_result_bytes>
      <max_threads>1</max_threads>
      <max_concurrent_queries_for_user>1</max_concurrent_queries_for_user>
      <max_query_size>1000</max_query_size>
      <constraints>
        <add_http_cors_header><const/></add_http_cors_header>
        <input_format_record_errors_file_path><const/></input_format_record_errors_file_path>
        <output_format_schema><const/></output_format_schema>
        <max_memory_usage><const/></max_memory_usage>
        <max_result_rows><const/></max_result_rows>
        <max_result_bytes><const/></max_result_bytes>
        <max_threads><const/></max_threads>
        <max_concurrent_queries_for_user><const/></max_concurrent_queries_for_user>
        <max_query_size><const/></max_query_size>
      </constraints>
    </powerless>
    <startup>
      <profile>powerless</profile>
      <max_sessions_for_user>1</max_sessions_for_user>
      <constraints><max_sessions_for_user><const/></max_sessions_for_user></constraints>
    </startup>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>startup</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT SELECT ON system.numbers</query>
      </grants>
    </default>
    <start>
      <password_sha256_hex>{START}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>powerless</profile>
      <quota>default</quota>
      <grants><query>GRANT SELECT ON system.one</query></grants>
    </start>
    <creditmill>
      <password_sha256_hex>{CREDITMILL}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE TEMPORARY TABLE,
          DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, CHECK, KILL QUERY, SYSTEM ON *.*</query>
        <query>GRANT SET DEFINER ON *</query>
        <query>GRANT TABLE ENGINE ON MergeTree</query>
        <query>GRANT TABLE ENGINE ON ReplacingMergeTree</query>
        <query>GRANT TABLE ENGINE ON AggregatingMergeTree</query>
        <query>GRANT TABLE ENGINE ON SummingMergeTree</query>
        <query>GRANT TABLE ENGINE ON CollapsingMergeTree</query>
        <query>GRANT TABLE ENGINE ON VersionedCollapsingMergeTree</query>
        <query>GRANT TABLE ENGINE ON Atomic</query>
        <query>GRANT TABLE ENGINE ON Memory</query>
        <query>GRANT TABLE ENGINE ON Null</query>
        <query>GRANT TABLE ENGINE ON View</query>
        <query>GRANT TABLE ENGINE ON MaterializedView</query>
      </grants>
    </creditmill>
    <backup>
      <password_sha256_hex>{BACKUP}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT BACKUP, SHOW, INSERT, CREATE DATABASE, CREATE TABLE, CREATE VIEW ON *.*</query>
        <query>GRANT SET DEFINER ON *</query>
        <query>GRANT TABLE ENGINE ON MergeTree</query>
        <query>GRANT TABLE ENGINE ON ReplacingMergeTree</query>
        <query>GRANT TABLE ENGINE ON AggregatingMergeTree</query>
        <query>GRANT TABLE ENGINE ON Atomic</query>
        <query>GRANT TABLE ENGINE ON View</query>
      </grants>
    </backup>
    <analyst>
      <password_sha256_hex>{ANALYST}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>analyst</profile>
      <quota>default</quota>
      <grants>{VIEWS}</grants>
    </analyst>
    <reader>
      <password_sha256_hex>{READER}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>reader</profile>
      <quota>default</quota>
      <grants>{VIEWS}</grants>
    </reader>
  </users>
</clickhouse>
`

// viewGrants is what analysts may read: with limits as the user analyst, without as reader.
const viewGrants = `
        <query>GRANT SELECT ON creditmill.v_*</query>
        <query>GRANT SELECT ON information_schema.*</query>
        <query>GRANT SELECT ON system.parts</query>
      `
