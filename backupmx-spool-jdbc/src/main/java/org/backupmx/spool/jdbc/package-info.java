/**
 * A spool in a relational database, which several nodes may share: {@link org.backupmx.spool.jdbc.JdbcSpool} over a
 * {@link javax.sql.DataSource}.
 *
 * <p>H2 and PostgreSQL. The tables are made at the first open, or beforehand from
 * {@link org.backupmx.spool.jdbc.SpoolDialect#schemaSql}.
 */
@NullMarked
package org.backupmx.spool.jdbc;

import org.jspecify.annotations.NullMarked;
