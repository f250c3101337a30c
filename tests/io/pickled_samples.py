"""Small tables and what several versions of pandas made of them: pickles, gzipped, in base85."""

from __future__ import annotations

import base64

import numpy as np

COUNT = 5


def tables() -> dict[str, dict[str, np.ndarray]]:
    """The columns of each table; the index is 0..N-1 where no column "index" stands."""
    steps = np.arange(COUNT, dtype=np.float64)
    points = {
        "x": steps * 1.5,
        "y": steps * -2.0,
        "z": steps * 0.25,
        "i": steps * 51.0,
        "t": 1557539924.4 + steps * 0.01,
        "d": np.array([0, 0, 0, 1, 1]),
    }
    cuboids = {
        "uuid": np.array(["a-1", "b-2"], object),
        "label": np.array(["Car", "Pedestri\u00e4n"], object),
        "yaw": np.array([0.5, -1.5]),
        "stationary": np.array([True, False]),
        "camera_used": np.array([1, -1]),
        "position.x": np.array([2.5, 9.5]),
        "attributes.object_motion": np.array(["Parked", None], object),
        "cuboids.sibling_id": np.array(["-", "-"], object),
        "cuboids.sensor_id": np.array([-1, 0]),
        "attributes.pedestrian_age": np.array([np.nan, "Adult"], object),
    }
    subset = {"index": np.array([3, 4]), **{key: values[3:] for key, values in points.items()}}
    new = np.full(COUNT, 1.5, np.float32)
    joined = {"new": new, "d": points["d"], "x": points["x"]}
    types = {
        "f4": np.arange(3, dtype=np.float32),
        "u1": np.arange(3, dtype=np.uint8),
        "big": np.arange(3, dtype=">i4"),
        "b": np.array([True, False, True]),
    }
    empty = {key: values[:0] for key, values in points.items()}
    return {
        "points": points,
        "cuboids": cuboids,
        "subset": subset,
        "joined": joined,
        "types": types,
        "empty": empty,
    }


def stored(key: str) -> bytes:
    """A file as pandas of some version left it: ``"<version> <table> <protocol>"``."""
    return base64.b85decode("".join(STORED[key]))


STORED = {
    "0.25.3 points 3": (
        "ABzY8000000t0naNmCO+6rKnPFm8yVY%1=J%P0y8Zmc3O5_H^x5M$4zNvBLE`DRhDOcfpiQvL${H6A^B^Qt$Go-"
        "A+L(=${Vls?SYuiw{iUVr^wuhdy(YG<jdStW;Qiw-"
        "R^b)0&1Le8M{yg{sjZ6p;}6eW`t9@K8h+a7alT5z=@wP}tyt~y#MS<h!eOGUj15hrOR$fkW+w!~b`q%Ko4HhY<w3"
        "RYA!Y)y+8jTJPJRJ}+@=A&A+Uo0<&{Gwm*^3-"
        "wYvYK(2RkB^r@hwlq_K>BD(9(+?x>Ci?v6zWnYuIg|ndmV+QN^B!nDv&+LV=dlHu0m`0qk9WyM}!RT8Unliix$?*"
        "q=-$r+<qfKl+e|1Lk@fZAAK)&@OQq9TH!mQ(_)n5<MK0n8hLH;jk%BWDD8Ro%C06#K2Mhe=!_t=a^~)-"
        "$;^U6&xqLTi%jn;e?#K9(6pN)D;=r^-"
        "5)&(&LfA$`EH3zv?k?nx%1u@a<g6a+V8C&Kb}GP2zfd73X;<#Nq%h1VZ#0xVRz2bzG_yLL9BnTp#<S)Qn$4AvO+&"
        "*b-sea4k>y7(#P|Z4q{VtfhU9;(d+qdxSrRYG^A{Vf>Z35WB6&&JTZh-"
        "`@JJ|H}w&bV!{17UJP*r^KJ6EA;n!xNL5Sb0rXGz`$T2PAm}TY9vm60M`O>t{b=^#Nq$Sa#P4clr2VV6G9Z!uqiH"
        "PgzyF~s(zGkbt8+hAd7JWx8xO7F~M6!>D?y0op<m~-"
        "o+1!qM9_htfeUf(_skxuMl^F5Hkjn@*q{r$`E(?A?o2?w9_zfpH=W6l@JMC(0co{UOcSeQP_V}R3jeqg!Gz0+q+1"
        "mF-IzRLgeBLTJQyDo@=Q_VHR^vM$lX=Sf-yBt!lffTgY3Y(bBpiN-"
        "egArv@^91<wed=YxEKr^Rw2a8LuL&wST|6*fyov?#KvrsyS*uNRoKGezc6`8+J9k@HRM597~v`RW7!00"
    ),
    "0.25.3 cuboids 3": (
        "ABzY8000000t0nbX?xp55SE>ziBgUhTAH3IEuaE1btw=akhCc&t*9H8OB_b5<V{wME%}vJO$;?{0mm`-"
        "ee;d~!3X{bKcnBu?n=&+w4e{(-I;mkot>E-"
        "UmNh7G_292<VP_pEylFL%rjKbdA);i>^cf<6fI}SFbuaQHP{LXLc!vY){|0$hIEO=iFvvn`O6owlZip;V#umu*t!"
        "K*W2-"
        "DFc{E|B8?qJmoRXN>_Wx$N#Yh{YmNO^=((#ynm^PZN%)XJ<ML^@2woEr>eiSAmPJLlwEVDADYpun0+vwnqxq^o~y"
        "SR(sZp$v%W(PZR!<uL{Wd?RSMM-pV3itHZySSHNmt_w)1u46N-IYq^{7w1kAA3gNKCf5Bo-DXD4Qd$IiK|nO)v?z"
        "Zkoy*0!9K^7yF^eCL?Mk^*zb%<fiH6&Q#Vam4F|MIGfDzwQ(DDAXO9$6A>zPGg-"
        "l80U1Gj)8<8@=A!n!Zka|&2OG-)L)q`-"
        "!l@UxhJ2op=m_)IXA9lvK`fIWpli3Pr=*r6BekO3l(>DoaTsT@u*YE(rgZ#fM6w`2tnMD2Ob$X}`%i>2XItB8wvA"
        "{9g&>j;JHSw@r%nz)IN9=<1|0uyEtD<D_F|G^r7?;&KPEc0WDcZ#~oZwkW7N_vID#=NLC;BCs#*<r1VhB9t_2woF"
        "{rxkOtvCM4*1_3qJu-_afv3Gb=`)J-"
        "S%T>e(&uv0U<%JG(iwtTNy=}hJEiCfnP21PEnhA+a9Ut)gYJx?dx2nH(G?Wk*__TR<3&Yxj^Mna+kG3IE$NB{11|"
        "|&*l<`;4lfccD2GGJ;mdrNY)oS54y2Q1yrOsB<O#g0cXKqxYq|*+@;3PU&k(OW!%9NqW!aH$RCJCf;c(~d)f?GOb"
        "Zt-7<g3G*vSHrxWcA**_%<#d={puT`yo|TNbeH3I;9=FrvsuE-^UM1oab@fUp_%C1G7!wMFn0W;5j(Z;7b-"
        "izz<9Cat^K&G%|3w2^=YKlK?uq9mE=(@cmRk<j9oZa)w;lgj`j~7Qy>EjU9ZTkyk7}&iC>|e1fYd(#~CcNN|<4aZ"
        "P9Jc&U7{RL1o-"
        "KFVeRl`jMz^I@&^)O<|vNfjNdjWtUPFVlJ|ZMwYdjL2hSDR!k<f_2|Z13A;e#7ydeFDFt@w&aLC(8Z?&pQUYlZt*"
        "Uk=Igv?58B)9!7jca_);pqQi^%47?7$$7he;6BNg8&#e!7i7yV9M^m~FI@{9h+XM1y2zghduJe;rF@^!S|%s&bI?"
        "4>MC1b)c|hAU?$esxCk5v~7L@S8rn4JN3b+rL-wN9vXS1)Da?ErSLC00"
    ),
    "0.25.3 subset 2": (
        "ABzY8000000t0na*>=+~5KYoHfZ6w*mfdWDLV*H>7AVjX2p~4I1S30YWk{S}TL#J@=ah%E^zZ@v0*^fL0quvuNOs"
        "O))r0RyGrH%_XvQ-Ie~O1S9+&)PBuWzzZwPCYD}LQr$Q}BKd<zBJ>B;4CZjC(X`t3>(DiMXe9+w(C<dY(btt<7W|"
        "N3^iv(QZxJ$4mE`;U7y@lM1gkH^AtL-"
        "E!f*C!U1{68#<SlYre+vz4jMvvu(Nn>g{jc+7%74RtH)0P_vzZu3VN_=Huc^YLAweey_IoHNY-"
        "}Rd{;m4K;wP9hElP6*itDPcYovR@1$C_EJWmq?d^$Z*Aa=u(_V`D~GQ`1v)Z<AA?_&bBxJpXA9TNt+5<u1eZ0oy8"
        "-%FQ3N%%?o8u-"
        "%)lVux+~@37P0G<F$$k6wcT`V1=UHdw<Rp|IC8nTPZ|*jGtrv7h09{CCkvpojvW>ZZ;NWW_t!f^ADnE|;bNha_cn"
        "nBj=ds?f$!nI;kp;+RgP#BjWm$PiBao(M_n_vYm)XAOC~a_Q>M5GN&-"
        "?G(d+!f8+LGaY1<;S9+>%P=UaIA?d1oYzV&FbruWJ>|kIE@oOL260Ji8D<zEE%I*_myL>Nxz1WQlH!&QF3zMzU&m"
        "PdI-D8bQlrmLV;5$Ek=}*&_KgdlPcMGCy!hSTk(s!n6S~SUs&LKg$iA*+-"
        "(VQivh!N@xIEseNj}rlLEO|7WrkY{w>?U~V#_6x`uWZ;PjXi?-eX{<5N+I-"
        "Td7$d*m9@bC3|I`+)ZupkSeNQ{}IFEl*0Li;)$ks%J9sHYU8<~sLDND;YD`SWq2uC;HJ+{l==rs{qS1w)5+r0Kd8"
        "x~@p^ioW02knyM;;H9KPZ8gkq!|a+cDzF&ViO79;Ro*GmE#!_alDxE}a49k0qcdei(IUNh8_78<sca!dyD6&)9~B"
        "V=eMB8e5I(hhfNt^j9QHs<EngvjjOhEUwheq4o0ywXpQ8O|EV1ONa"
    ),
    "1.5.3 points 4": (
        "ABzY8000000t0nZzi-n(6t>eilpmrLR7jzMiYZ;PA&LY_pa@YcQmGq5bvoOZ*s6VT?X%h-"
        "Dup4T6}R;<z+cmmk&P8321X{t2Jg;}h)X%??t5o{_wK##-WyimeVZ}#kn=I+9!;BWKVi*oLL&z9>|-"
        "kE6Kx;C%4^t%hOCmPmw>!EO%J$W38!J&j3}o)mZTsrJPP~n_Vav?$K}=H1PKEt{d)xD9LabbxZ5Ekjyj{r3p|VBL"
        "GC@uLJ`m;p#$_v66W@KDw50<ifCyf$TR3$Q;xtkMzCf&@CG)aVVkyPTVwF&q~(c0tTK_6?kXG}<o{=+c^^8R&a>Y"
        "*^kN$VoWr$`Mrr(N<v82U@p6Inc9~}!=WwaOdV$NwW!k60-"
        "<JZv7x<%9q7Bz`|HBtKF1y7(Xn%OWxbXJQ=Z8BFu4{byHOE_{8ybH$mNWvUBWIl~Kp8peZKYx0GA$HpV=5W!idy~"
        "i{zZRY$>(30h-Yf?>ar3{N#-"
        "w|CRoGx&oED*3dp~Wch{zGAHx=wSG`<U9@}GS)1fI=<2l0FE?HOKFnIs2v?jK$OAl)m{!O4Z(&2BEUi{UG7jLNq)"
        "b-"
        "{bNE6G+e2Fu_DR6qgl!R5T8ljVol~niS;%Sj4l=oDqn+m7G^EafWIZA#(6M^E(YAX6M*p@OF8m4y5)Pik>#flxMv"
        "YK=wiI|`|%`J38g}^@B2U#QCkoL5BjfP==Hzi&c;~P`KNJt%qO?HrGPV*0NANvmP0{{R"
    ),
    "1.5.3 cuboids 2": (
        "ABzY8000000t0=NX?NT-"
        "6ox%Z(#9=I%hHyzhh++6Xv)$6g`^7&t?49)%`8Dkwla3(vHe;y$v}rLkeTLR@PQw}x1K})6yHG7cnEC)`yA`qy1I"
        "Jqd*yqr9^@<ynQRAHA=>K&>k0Q9Q|!F8;2gV-+5q*I-"
        "*g;@_PPZccdUq0C5n_KvfX1T>xx3UXOb+~xHNuq(QHlpX%cg}yTGMon#aLLA}BX2TucRN*~|Omz`Zh2F)IqzcWEJ"
        "lES0J#1Lb0R?B(j1b{2a)XB&G18f2jeq$^TmxR~*48kxiOr}daH6{qvqH^hE|`$o8*;DMG`(|3J{2dj{w>gRgp0l"
        "#im&g0<D%@H0Vc(~;?Y_uzQq|@nK{8L}{;W-"
        "MA@||eLuBbUU6zLrf6C6=^j0cqRGS+FNl)5sB10DOQ*YKKNZG^`Op781;JW23WG!;!pHjSqv&Grnzvxcp1*k+?K&"
        "iVqLGdRx^yfDEzg%|I^X<3|EXL8;CWwA1T`~B9~YA%h(*(Dq^ye|>Ftndntj_NJ<dW{k02-"
        "*hjRf6NYaPtQ41i@>6!@XX?#S3`Dz`aRuQo}{}Vl7y#<5s1L=hpw<lLYXVVSJn59febdvFYvinj^eR@Sb5@Bv{&I"
        "JZ%`y5S%rPQ-"
        "<+e#kjJ7_YLEDf@Q;aS0xt}KHxiRxX|(&+MCVI<D#|r+zEKrI?D=t=<n0kstAQXkMZqaQ(Us=Yn2rnB1ETS3p0n6"
        "Xl428AL9)CDg8Jd>I02cq3{u(z!C%dF~KJmb{n5YCyh!iXZM<@HC>H+s&Qtb&SyrQ&k1~mFSya;OM<TyzFxyx>#j"
        "dF6k9^JIg`Srso10!%oi8m{I^@>K?nGD+yO$}8o(y}-"
        "0%kkq2YJ8A);li;QH9LEaMPen|s2zNDx^O`)m`j?`lgb{ZD2oEBd%>RSk5@DHtuK7IMS7<e7|(PkRfAf7p~oY1Mh"
        "DG+@Rri$Kv{W*pG-"
        "51I%i&*D(FWz3T}?NUvU`Un0wAySzY=6mKJxiel~)s&@FcP`|*Qs6d|RCA%|ltV}Y75%$j1xvfaCFWVFRu1r8D=I"
        "ox0-bE3u<1EAqEuOqEw5g^h#Y;drsIE4@PioQ3c+C9aCJk%kN!-"
        "hylv08YTs#3C}zuXZ4KA$9wr%y8w31gk0f1BSXbib0k-`^W;#i-O-aKt*R6;tL2X$ihBsx&+kXL@@4y2J1^@s"
    ),
    "2.2.3 joined 5": (
        "ABzY8000000t1y(OK;RL5Z-JyP-w-YpweD?4wsxb^gy*0MMw~_NIh|>EGKa`Q4=S!9krFH1c$z)xiR$DaNuWggR!"
        "@(h7}+f$)0gC@A>9q@a3yNa0CxqE;Fv9v{53;6|V)totND3S5E$nPe0)ahA?9FR3U8k)k|rFlDyJU%_W}-"
        "r4d$MR84yDcJ?N7Si81hRhj4;6NLM$lWmzERDvbe#wtIOUELl>%(*97s4_)ZX1QwWq|0;XGQ4^`nA5lM;z0<U6XK"
        "aUZfyxL%%9=q#X0U_82jKo$H`>!<_D3x;(@^=_Tu0S!P`YcYOs`aWo1f9c?P;FQ|l%kkdkM;#6x=*%f-"
        "F$DjfWsyakTMDh$i5n|zA3KV?&F*j$QDdJX?I@b~eIFYV0u>NQ{Aae?#y3p|Yde&BQ5Cn&7{ih)cV2^}R|6LRh{D"
        "Gu3d`;8h_Y(p@Y9fmT(6(OQO<hr9abEP;9Y=tS2Hc}harN-JnfZG(w{j}{r#a%DKS@vG+pSp_PZS_a{VPUjms_D`"
        "u?Neej-i*!>3i=8oX#qaz&TOe;*!W#lip!}jYtQmtDaCsToQ{Qu;mS~UFw&-"
        "JF%GOCNbsC%VJ})A!Xj;!?ZAA?SS<{9E!ihG+!)%Q6NFnVulUr7Pk2=|hni(wOBm!vu!<*wmghouN%RvHic1v70{"
        "{R"
    ),
    "3.1.1 without pyarrow cuboids 4": (
        "ABzY8000000t2m8-D=c86yEG+x9x6Ks#q(QS`cA-(Lj6Uh0tFV8{C$9U4}_A-NYu7Ff*ZDP}Gao7Us_J4Fn%U#24"
        "`uyz5;(Guhu-M4@xBnVs|Vo$pM}m-"
        "qH(QY)DyYZ;~i=1NX%Vu7DAoDlU%EqqXKRa4q1X)`6~3LnQ$8F3;i2%|XWPJ$_J69%!9>v8HIye$4hcvDVyLr@%f"
        "d=R7LEtJzN@(*HyJRJny^3I4eW(;@0a~7ejb2M;oZLVp{I`$7ppu=u-"
        "!+HUYSAs>fZM?v~^|1EKZhcg{DlGMEo1&9xen7h;!j!7#@6L-"
        "xoPeL4rg@Te9At<lc`PE68wess{FHLRa$o59s_|5E3@Yg2xus*ZVR=d;HeJgtAFFUyR)Zd7dHabvJ1wjgX}wXcR%"
        "`15micj4g!0bzpmi0zxTIvoTU=HI&Q6pk$Gtp)VknTT@;LH|fddRnr*q4OWFx#8P7RU18%~d~3m=4Yy2fyRxWZ<E"
        "xq;!H8#^Q*z%lyqh4!$+W$kzg=+8`U`9y_}WqE&u<I_tVOPb@xd{NWSmEw8+t$5n2#q-"
        "gs5(c;Ij=Pn=<61pjZ)t!VE?k9Lwo2W+71#b}KG6`LaQjL&R#A58;?n9K_fTzj(zUPYx@tR^=^^L`3@)qYj$PYZV"
        "J)gq4pNW7eOy!OzMrhF1u$nrZ`*`hA4U;MS28oIKmj=--"
        "0?6cO4bo2hv<bqgQ<W~ulDvv!2(b<_1}fo`#rGpJPKg!V(gI^#<GJC0h0?XqLg9=643BLGZ{uXhZ~XgEaj25IY&y"
        ")U;)$Q<pQcrz1PGSC`q+Z$=iPJrBT2g9(ge+6VfPC{X;@|%FNmQp&VIvJ~2h0w0(K7saEY)Zn%7f7Swk!ZIhusgx"
        "_1B90D@|x*=^Y(hT~mHv~48i6lk>Z3KD+UjyB@ee*St6DT19n?~+ICv-g=lFAy|k8#^<@8LL34>=0*4CDz5f=s`-"
        "I_0_N{02^Jk&bW%000"
    ),
}
