// A Nest application with nest-leader-election as its page says, all options at their defaults.
//
//     node member.mjs PORT DATABASE

import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { LeaderElectorModule, LeaderElectorService } from 'nest-leader-election';
import observer from '../observe.js';

const [port, database] = process.argv.slice(2);

class Application {}
Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      host: '127.0.0.1',
      port: Number(port),
      username: 'postgres',
      password: 'postgres',
      database,
      autoLoadEntities: true,
    }),
    LeaderElectorModule.forRoot({}),
  ],
})(Application);

const application = await NestFactory.createApplicationContext(Application, { logger: ['error'] });
const elector = application.get(LeaderElectorService);
observer.observe(() => elector.amILeader());
