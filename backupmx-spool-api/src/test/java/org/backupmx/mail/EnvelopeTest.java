package org.backupmx.mail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.EnumSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.backupmx.spool.testkit.Envelopes;
import org.backupmx.spool.testkit.MailArbitraries;
import org.junit.jupiter.api.Test;

class EnvelopeTest {

    private static final Recipient USER = Recipient.of(ForwardPath.parse("user@a.example"));

    @Test
    void parametersAreAbsentUnlessGiven() {
        Envelope envelope = Envelopes.from("", "user@a.example");

        assertThat(envelope.reversePath().isNull()).isTrue();
        assertThat(envelope.bodyType()).isEqualTo(BodyType.SEVEN_BIT);
        assertThat(envelope.smtpUtf8()).isFalse();
        assertThat(envelope.requireTls()).isFalse();
        assertThat(envelope.declaredBytes()).isEqualTo(OptionalLong.empty());
        assertThat(envelope.dsn()).isEqualTo(DsnParameters.none());
        assertThat(envelope.recipients()).containsExactly(USER);
        assertThat(USER.notifications()).isEmpty();
        assertThat(USER.orcpt()).isEmpty();
        assertThat(envelope).hasToString("<> -> [user@a.example]");
    }

    @Test
    void domainsStandOnceInOrderOfAppearance() {
        assertThat(Envelopes.to("x@b.example", "y@a.example", "z@B.Example").domains())
                .extracting(MailDomain::toString)
                .containsExactly("b.example", "a.example");
    }

    @Test
    void envelopesThatDifferAreNotEqual() {
        List<Envelope> all = Envelopes.ofEveryKind();
        for (int i = 0; i < all.size(); i++) {
            for (int j = 0; j < all.size(); j++) {
                assertThat(all.get(i).equals(all.get(j))).as("%d, %d", i, j).isEqualTo(i == j);
            }
            assertThat(Envelopes.ofEveryKind().get(i)).isEqualTo(all.get(i)).hasSameHashCodeAs(all.get(i));
        }
    }

    @Test
    void builderLaterChangedChangesNoEnvelope() {
        Envelope.Builder builder = Envelope.from(ReversePath.nullPath()).to(USER);
        Envelope one = builder.build();
        Envelope two = builder.to(USER).build();

        assertThat(one.recipients()).hasSize(1);
        assertThat(two.recipients()).hasSize(2);
    }

    @Test
    void badPartsAreRefused() {
        assertThatIllegalStateException()
                .isThrownBy(() -> Envelope.from(ReversePath.nullPath()).build());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Envelope.from(ReversePath.nullPath()).declaredBytes(-1))
                .withMessage("declaredBytes: -1 (expected: >= 0)");
        assertThatIllegalArgumentException().isThrownBy(() -> USER.withNotify(EnumSet.of(Notify.NEVER, Notify.DELAY)));
        for (String orcpt : List.of(
                "",
                ";",
                "rfc822;",
                ";x",
                "rfc822",
                "rfc822;a b",
                "rfc822;a=b",
                "rfc822;a\r\nb",
                "rfc822;" + "x".repeat(494))) {
            assertThatIllegalArgumentException().as(orcpt).isThrownBy(() -> USER.withOrcpt(orcpt));
        }
        for (String envid : List.of("", "a b", "a=b", "+2b", "x".repeat(101), "\u00fc")) {
            assertThatIllegalArgumentException()
                    .as(envid)
                    .isThrownBy(() -> DsnParameters.none().withEnvid(envid));
        }
    }

    @Test
    void recipientsDifferByTheirParameters() {
        Recipient notified = USER.withNotify(Set.of(Notify.SUCCESS));
        assertThat(notified).isNotEqualTo(USER).isEqualTo(USER.withNotify(EnumSet.of(Notify.SUCCESS)));
        assertThat(notified.withNotify(Set.of())).isEqualTo(USER);
        assertThat(USER.withOrcpt("rfc822;x")).isNotEqualTo(USER);
    }

    @Test
    void dsnParametersReadAsOnTheWire() {
        assertThat(DsnParameters.none()).hasToString("");
        assertThat(DsnParameters.none().withEnvid("QQ").withRet(Ret.HDRS)).hasToString("RET=HDRS ENVID=QQ");
        assertThat(DsnParameters.none().withRet(Ret.FULL)).hasToString("RET=FULL");
    }

    @Property(tries = 200)
    void domainsAreThoseOfTheRecipients(@ForAll("envelopes") Envelope envelope) {
        assertThat(envelope.domains())
                .containsExactlyElementsOf(envelope.recipients().stream()
                        .map(Recipient::domain)
                        .distinct()
                        .toList());
    }

    @Provide
    Arbitrary<Envelope> envelopes() {
        return MailArbitraries.envelopes();
    }
}
