package org.backupmx.smtp.internal.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.StringLength;
import org.backupmx.smtp.internal.client.ScramSha256.ScramFault;
import org.backupmx.smtp.testing.ScramServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScramSha256Test {

    private static final String NONCE = "rOprNGfwEbeRWgbNEkqO";
    private static final String CHALLENGE =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," + "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    private static String last(String challenge) throws ScramFault {
        return new ScramSha256("user", NONCE).last(challenge, "pencil".toCharArray());
    }

    @Test
    void theExchangeOfRfc7677() throws Exception {
        ScramSha256 scram = new ScramSha256("user", NONCE);

        assertThat(scram.first()).isEqualTo("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        assertThat(scram.last(CHALLENGE, "pencil".toCharArray()))
                .isEqualTo("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                        + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        scram.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    @Test
    void whoDoesNotKnowThePasswordIsFoundOut() throws Exception {
        ScramSha256 scram = new ScramSha256("user", NONCE);
        assertThatThrownBy(() -> scram.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))
                .as("before a challenge")
                .isInstanceOf(ScramFault.class);
        scram.last(CHALLENGE, "pencil".toCharArray());
        for (String signature : new String[] {
            "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "v=6rri", "v=", "v", "", "e=invalid-proof", "x=1", "v=!"
        }) {
            assertThatThrownBy(() -> scram.check(signature)).as(signature).isInstanceOf(ScramFault.class);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095",
                "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001",
                "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999999999999",
                "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-4096",
                "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=",
                "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==",
                "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
                "r=rOprNGfwEbeRWgbNEkqOx,s=***,i=4096",
                "r=rOprNGfwEbeRWgbNEkqOx,i=4096",
                "m=must,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                "r=rOprNGfwEbeRWgbNEkqOx,r=rOprNGfwEbeRWgbNEkqOy,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
            })
    void aChallengeThatDoesNotFitIsNotAnswered(String challenge) {
        assertThatThrownBy(() -> last(challenge))
                .isInstanceOf(ScramFault.class)
                .satisfies(fault -> assertThat(fault.getMessage()).doesNotContain("pencil"));
    }

    @Property(tries = 30)
    void bothSidesUnderstandEachOther(
            @ForAll @StringLength(min = 1, max = 30) @AlphaChars @Chars({',', '=', ' ', '\u00e9'}) String user,
            @ForAll @StringLength(min = 1, max = 30) @AlphaChars @Chars({',', '=', ' ', '\u00e9', '\u20ac'})
                    String password,
            @ForAll @IntRange(min = 4096, max = 5000) int iterations)
            throws Exception {
        ScramServer server = new ScramServer(user, password, iterations);
        ScramSha256 scram = new ScramSha256(user, NONCE);
        String challenge = server.challenge(scram.first());
        String signature = server.signature(scram.last(challenge, password.toCharArray()));
        scram.check(signature);

        ScramServer strict = new ScramServer(user, password + "x", iterations);
        ScramSha256 wrong = new ScramSha256(user, NONCE);
        String other = strict.challenge(wrong.first());
        assertThat(strict.signature(wrong.last(other, password.toCharArray()))).isEmpty();
    }

    @Test
    void theNonceIsNewEachTimeAndHasNoComma() {
        SessionSecurity security = RelayConnectionTest.security();
        String one = security.nonce();
        assertThat(one).hasSize(24).isNotEqualTo(security.nonce()).doesNotContain(",");
        assertThat(Base64.getDecoder().decode(one)).hasSize(18);
        assertThat(one.getBytes(StandardCharsets.US_ASCII)).hasSize(24);
    }
}
