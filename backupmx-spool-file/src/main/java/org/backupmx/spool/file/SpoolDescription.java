package org.backupmx.spool.file;

/**
 * What a spool's directory holds. Immutable and thread-safe.
 *
 * @param messages queued messages; damaged ones do not count
 * @param held how many of them are held
 * @param lanes destination domains with queued messages
 * @param mailDataBytes the sum of the queued messages' sizes in bytes
 * @param segments segment files
 * @param fileBytes the sum of their sizes in bytes
 * @param damaged messages, and places no message can be named for, that are damaged and were needed
 */
public record SpoolDescription(
        long messages, long held, long lanes, long mailDataBytes, long segments, long fileBytes, long damaged) {}
