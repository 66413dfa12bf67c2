package org.backupmx.smtp.internal.client;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.Executor;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.MailData;
import org.backupmx.smtp.internal.codec.MailDataEncoder;
import org.jspecify.annotations.Nullable;

/** How the mail data of one transaction goes out. Belongs to its connection's event loop. */
abstract class DataTransfer implements MailDataReader.Sink {

    /** The transaction. */
    interface Owner {
        /** The next hop's reply leaves no way on. */
        void refusedToGoOn(SmtpReply reply, String to);

        /** All is said. */
        void end();
    }

    final RelayConnection connection;
    final SmtpDialogue dialogue;
    final TransactionReplies replies;
    final Owner owner;
    final MailDataReader reader;

    private @Nullable ByteBuf held;
    private boolean heldIsLast;

    DataTransfer(
            RelayConnection connection,
            MailData data,
            MailDataEncoder encoder,
            TransactionReplies replies,
            Executor workers,
            Owner owner) {
        this.connection = connection;
        this.dialogue = connection.dialogue();
        this.replies = replies;
        this.owner = owner;
        this.reader = new MailDataReader(data, encoder, workers, connection.loop(), dialogue.allocator(), this);
    }

    /** Begins to read, before the first command leaves. */
    final void readAhead() {
        reader.next();
    }

    /** MAIL and RCPT are written, none of it flushed or answered: what may stand in one group with them follows. */
    abstract void envelopeSent();

    /** The last RCPT is answered. */
    abstract void envelopeAnswered();

    /** The socket takes more. */
    abstract void writable();

    /** Tells whether the next hop has no idea of what it was sent, although it offers it. */
    boolean isUnknownToNextHop() {
        return false;
    }

    /** Keeps a block until it may go. */
    final void hold(ByteBuf block, boolean last) {
        held = block;
        heldIsLast = last;
    }

    /** Hands the block that is kept to {@link #write}, if there is one. */
    final void writeHeld() {
        ByteBuf block = held;
        if (block != null) {
            held = null;
            write(block, heldIsLast);
        }
    }

    /** Tells whether all that is left is kept here. */
    final boolean holdsLast() {
        return held != null && heldIsLast;
    }

    abstract void write(ByteBuf block, boolean last);

    @Override
    public final void unreadable() {
        dialogue.fail(DialogueFault.unreadable());
    }

    /** Reads no more, and gives back what is kept. */
    final void cancel() {
        reader.cancel();
        ByteBuf block = held;
        if (block != null) {
            held = null;
            block.release();
        }
    }

    final void countIfRefused(SmtpReply reply) {
        if (!reply.isPositive()) {
            connection.countRefused();
        }
    }
}
