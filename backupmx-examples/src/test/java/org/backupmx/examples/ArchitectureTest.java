package org.backupmx.examples;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static java.util.stream.Collectors.toCollection;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitAccessTarget;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaCodeUnitAccess;
import com.tngtech.archunit.core.domain.JavaCodeUnitReference;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The walls between modules and packages that neither javac nor the build can hold up. */
class ArchitectureTest {

    private static final String SPOOL_API = "org.backupmx.spool";
    private static final String CORE = "org.backupmx.core";

    /** Where time and chance come in by default: references such as {@code System::nanoTime} are fine here. */
    private static final Set<String> DEFAULTS = Set.of(
            "org.backupmx.BackupMxBuilder",
            "org.backupmx.smtp.SmtpServer",
            "org.backupmx.smtp.SmtpClient",
            "org.backupmx.spool.file.FileSpoolBuilder",
            "org.backupmx.spool.jdbc.JdbcSpoolBuilder");

    private static final Set<String> NO_PACKAGE_NAMES =
            Set.of("util", "utils", "common", "impl", "helper", "helpers", "manager", "model", "service", "misc");

    /** {@code owner.name} of what reads a clock, sleeps, rolls dice or looks at the process by itself. */
    private static final Set<String> AMBIENT = Set.of(
            "java.lang.Thread.sleep",
            "java.util.concurrent.TimeUnit.sleep",
            "java.lang.System.currentTimeMillis",
            "java.lang.System.nanoTime",
            "java.lang.System.exit",
            "java.lang.System.getenv",
            "java.lang.System.getProperty",
            "java.lang.System.getProperties",
            "java.lang.Runtime.addShutdownHook",
            "java.lang.Math.random",
            "java.util.concurrent.ThreadLocalRandom.current",
            "java.util.concurrent.ForkJoinPool.commonPool");

    private static Map<String, ModuleDescriptor> modules;
    private static Map<String, URL> locations;
    private static JavaClasses all;

    @BeforeAll
    static void findModules() throws IOException {
        modules = new TreeMap<>();
        locations = new TreeMap<>();
        for (URL url : Collections.list(ArchitectureTest.class.getClassLoader().getResources("module-info.class"))) {
            ModuleDescriptor descriptor = read(url);
            if (descriptor.name().startsWith("org.backupmx.")) {
                modules.put(descriptor.name(), descriptor);
                locations.put(descriptor.name(), new URL(url.toString().replaceFirst("module-info\\.class$", "")));
            }
        }
        all = new ClassFileImporter().importUrls(locations.values());
    }

    private static ModuleDescriptor read(URL url) throws IOException {
        try (InputStream in = url.openStream()) {
            return ModuleDescriptor.read(in);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    @Test
    void thereAreFivePublishedModules() {
        assertThat(modules.keySet())
                .containsExactlyInAnyOrder(
                        SPOOL_API, CORE, "org.backupmx.smtp", "org.backupmx.spool.file", "org.backupmx.spool.jdbc");
    }

    @Test
    void everyPackageWithPublicTypesIsInternalOrExported() {
        Set<String> open = all.stream()
                .filter(ArchitectureTest::isAccessible)
                .map(JavaClass::getPackageName)
                .filter(name -> !isInternal(name))
                .collect(toCollection(TreeSet::new));

        assertThat(exportedPackages()).isEqualTo(open);
    }

    @Test
    void exportedSignaturesMentionOnlyTheJdkAndExportedTypes() {
        Set<String> exported = exportedPackages();
        List<String> strangers = new ArrayList<>();
        for (JavaClass type : all) {
            if (!exported.contains(type.getPackageName()) || !isAccessible(type)) {
                continue;
            }
            for (JavaClass mentioned : mentionedBy(type)) {
                String name = mentioned.getPackageName();
                boolean ours = exported.contains(name) && isAccessible(mentioned);
                boolean jdk = mentioned.isPrimitive() || name.startsWith("java.") || name.startsWith("javax.");
                if (!ours && !jdk) {
                    strangers.add(type.getName() + " mentions " + mentioned.getName());
                }
            }
        }
        assertThat(strangers).isEmpty();
    }

    @Test
    void spoolApiRequiresNothing() {
        assertThat(modules.get(SPOOL_API).requires())
                .extracting(Requires::name)
                .containsExactlyInAnyOrder("java.base", "org.jspecify");
    }

    @Test
    void coreKnowsNoWireAndNoSql() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.netty..", "java.sql..", "javax.sql..")
                .check(new ClassFileImporter().importUrl(locations.get(CORE)));
    }

    @Test
    void onlyInternalDnsKnowsDnsjava() {
        noClasses()
                .that(resideOutsideOfPackage("org.backupmx.internal.dns.."))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.xbill..")
                .allowEmptyShould(true)
                .check(all);
    }

    @Test
    void theCodecKnowsOfOursOnlyTheVocabulary() {
        classes()
                .that(resideInAPackage("org.backupmx.smtp.internal.codec.."))
                .should()
                .onlyDependOnClassesThat(resideOutsideOfPackage("org.backupmx..")
                        .or(resideInAPackage("org.backupmx.mail"))
                        .or(resideInAPackage("org.backupmx.smtp.internal.codec..")))
                .allowEmptyShould(true)
                .check(all);
    }

    @Test
    void packagesAreNamedAfterWhatTheyDo() {
        Set<String> bad = packages()
                .map(JavaPackage::getName)
                .filter(name -> Stream.of(name.split("\\.", -1)).anyMatch(NO_PACKAGE_NAMES::contains))
                .collect(toSet());

        assertThat(bad).isEmpty();
    }

    @Test
    void everyPackageIsNullMarked() {
        Set<String> unmarked = packages()
                .filter(javaPackage -> !javaPackage.isAnnotatedWith(NullMarked.class))
                .map(JavaPackage::getName)
                .collect(toSet());

        assertThat(unmarked).isEmpty();
    }

    @Test
    void timeAndChanceComeInAsParameters() {
        List<String> found = new ArrayList<>();
        for (JavaClass type : all) {
            for (JavaCodeUnitAccess<?> access : accessesFrom(type)) {
                boolean handedOver = access instanceof JavaCodeUnitReference
                        || access.getTarget().getOwner().isEquivalentTo(ThreadLocalRandom.class);
                boolean injected = handedOver && DEFAULTS.contains(type.getName());
                if (!injected && isAmbient(access.getTarget())) {
                    found.add(access.getDescription());
                }
            }
        }
        assertThat(found).isEmpty();
    }

    /** {@code InstantSource.system()} and {@code Clock.systemUTC()} are values that can be injected, so they may be. */
    private static boolean isAmbient(CodeUnitAccessTarget target) {
        JavaClass owner = target.getOwner();
        boolean bare = target.getRawParameterTypes().isEmpty();
        if (AMBIENT.contains(owner.getName() + "." + target.getName())
                || target.getName().equals("parallelStream")) {
            return true;
        }
        if (target.getName().equals("now") && owner.getPackageName().equals("java.time")) {
            return bare;
        }
        if (target.getName().equals("<init>") && owner.getName().equals("java.util.Random")) {
            return bare;
        }
        // without an executor it runs on the common pool
        return target.getName().endsWith("Async")
                && owner.getPackageName().equals("java.util.concurrent")
                && target.getRawParameterTypes().stream().noneMatch(type -> type.isEquivalentTo(Executor.class));
    }

    private static List<JavaCodeUnitAccess<?>> accessesFrom(JavaClass type) {
        List<JavaCodeUnitAccess<?>> accesses = new ArrayList<>();
        accesses.addAll(type.getMethodCallsFromSelf());
        accesses.addAll(type.getConstructorCallsFromSelf());
        accesses.addAll(type.getMethodReferencesFromSelf());
        accesses.addAll(type.getConstructorReferencesFromSelf());
        return accesses;
    }

    private static Set<String> exportedPackages() {
        return modules.values().stream()
                .flatMap(module -> module.exports().stream())
                .filter(exports -> !exports.isQualified())
                .map(ModuleDescriptor.Exports::source)
                .collect(toCollection(TreeSet::new));
    }

    private static Stream<JavaPackage> packages() {
        return all.stream()
                .filter(type -> !type.getSimpleName().equals("module-info"))
                .map(JavaClass::getPackage)
                .distinct();
    }

    private static boolean isInternal(String packageName) {
        return (packageName + ".").contains(".internal.");
    }

    private static boolean isAccessible(JavaClass type) {
        return isOpen(type.getModifiers())
                && type.getEnclosingClass().map(ArchitectureTest::isAccessible).orElse(true);
    }

    private static boolean isOpen(Set<JavaModifier> modifiers) {
        return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
    }

    private static Set<JavaClass> mentionedBy(JavaClass type) {
        Set<JavaType> types = new HashSet<>();
        type.getSuperclass().ifPresent(types::add);
        types.addAll(type.getInterfaces());
        types.addAll(type.getTypeParameters());
        for (JavaMember member : type.getMembers()) {
            if (!isOpen(member.getModifiers()) || member.getModifiers().contains(JavaModifier.SYNTHETIC)) {
                continue;
            }
            if (member instanceof JavaField field) {
                types.add(field.getType());
            } else if (member instanceof JavaCodeUnit unit) {
                types.add(unit.getReturnType());
                types.addAll(unit.getParameterTypes());
                types.addAll(unit.getTypeParameters());
                types.addAll(unit.getExceptionTypes());
            }
        }
        return types.stream()
                .flatMap(mentioned -> mentioned.getAllInvolvedRawTypes().stream())
                .map(JavaClass::getBaseComponentType)
                .collect(toSet());
    }
}
