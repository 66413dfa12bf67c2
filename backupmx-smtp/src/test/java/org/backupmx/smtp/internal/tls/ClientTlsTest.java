package org.backupmx.smtp.internal.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.SslHandler;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientTlsTest {

    @Test
    void n1_noVersionBefore12() throws Exception {
        SslHandler handler =
                ClientTls.create().handler(UnpooledByteBufAllocator.DEFAULT, "primary.test", Optional.empty());
        assertThat(handler.engine().getEnabledProtocols()).containsExactlyInAnyOrder("TLSv1.3", "TLSv1.2");
    }

    @ParameterizedTest
    @CsvSource({
        "mail.example.org, mail.example.org, true",
        "Mail.Example.ORG, mail.example.org, true",
        "mail.example.org, MAIL.example.org, true",
        "*.example.org, mail.example.org, true",
        "*.example.org, a.mail.example.org, false",
        "*.example.org, example.org, false",
        "*.mail.example.org, mail.example.org, false",
        "m*.example.org, mail.example.org, false",
        "*ail.example.org, mail.example.org, false",
        "mail.*.org, mail.example.org, false",
        "example.org, mail.example.org, false",
        "mail.example.org.evil.test, mail.example.org, false",
        "xmail.example.org, mail.example.org, false",
        "localhost, localhost, true"
    })
    void rfc9525_aStarIsOneWholeFirstLabel(String inCertificate, String host, boolean covered) {
        assertThat(CertificateCheck.standsFor(inCertificate, host)).isEqualTo(covered);
    }
}
